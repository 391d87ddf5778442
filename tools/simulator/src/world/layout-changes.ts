/**
 * How a layout comes to the members, as an operator would bring it: first the joint phase, to everybody a
 * little later; when all of the old and the new replicas have written it down, and all vote, the settled one.
 * Who is behind learns it from the first message that names a later epoch.
 */
import type { LayoutItem, Setup } from '../plan/plan.ts'
import { unit } from '../random.ts'
import { Task } from './disk.ts'
import { type Layout, MemberPlacement } from './layout.ts'
import type { ClusterPackage, Member } from './member.ts'
import type { Timeline } from './timeline.ts'

const LOOK_MS = 50
const FIRST_EPOCH = 1

export class LayoutChanges {
  readonly #seed: number
  readonly #cluster: ClusterPackage
  readonly #timeline: Timeline
  readonly #members: readonly Member[]
  readonly #say: (text: string) => void
  /** By epoch. */
  readonly #layouts = new Map<number, Layout>()
  current: Layout
  #spreadMs = 0
  /** When all that are up know the current one. */
  #toldMs = 0

  constructor(
    seed: number,
    { members }: Setup,
    cluster: ClusterPackage,
    timeline: Timeline,
    all: readonly Member[],
    say: (text: string) => void,
  ) {
    this.#seed = seed
    this.#cluster = cluster
    this.#timeline = timeline
    this.#members = all
    this.#say = say
    this.current = {
      epoch: FIRST_EPOCH,
      members: Array.from({ length: members }, (_, number) => number),
      next: null,
    }
    this.#layouts.set(FIRST_EPOCH, this.current)
  }

  placement(): MemberPlacement {
    return new MemberPlacement(
      this.current,
      ({ members, next }) => new this.#cluster.Electorate(members, next),
    )
  }

  /** One change at a time. */
  begin({ members, spreadMs }: LayoutItem): void {
    if (this.current.next !== null) return
    this.#spreadMs = spreadMs
    this.#publish({ epoch: this.current.epoch + 1, members: this.current.members, next: members })
    this.#settleSoon()
  }

  /** Another member has heard of a later epoch. */
  hear(member: Member, epoch: number): void {
    if (epoch <= member.placement.epoch) return
    const layout = this.#layouts.get(epoch)
    if (layout !== undefined) this.#adopt(member, layout)
  }

  /** It has lost its own, and is told when it asks who there is. */
  tell(member: Member): void {
    member.placement.adopt(this.current)
  }

  /** Whether all other replicas know all that they ever acknowledged. */
  othersRemember(number: number): boolean {
    const { members, next } = this.current
    const others = [...members, ...(next ?? [])].filter((other) => other !== number)
    return others.every((other) => this.#members[other]!.remembers)
  }

  #publish(layout: Layout): void {
    this.current = layout
    this.#layouts.set(layout.epoch, layout)
    const { epoch, members, next } = layout
    this.#toldMs = this.#timeline.nowMs + this.#spreadMs
    this.#say(`layout ${epoch}: ${members.join(' ')}${next === null ? '' : ` and ${next.join(' ')}`}`)
    for (const member of this.#members) {
      const afterMs = unit(this.#seed, 12, member.number, epoch) * this.#spreadMs
      this.#after(afterMs, () => {
        if (member.isUp) this.#adopt(member, layout)
      })
    }
  }

  #adopt(member: Member, layout: Layout): void {
    if (layout.epoch <= member.placement.epoch) return
    const before = member.placement.layout
    member.placement.adopt(layout)
    // Who has skipped a phase may have missed what was chosen without it.
    const isKept = holds(before, member.number) && layout.epoch === before.epoch + 1
    if (holds(layout, member.number) && !isKept) member.join()
  }

  #settleSoon(): void {
    this.#after(LOOK_MS, () => {
      const { epoch, members, next } = this.current
      const moving = [...new Set([...members, ...next!])].map((number) => this.#members[number]!)
      // Who was away when it was told is told again.
      const isLate = this.#timeline.nowMs > this.#toldMs
      for (const member of this.#members) if (isLate && member.isUp) this.hear(member, epoch)
      const isKnown = moving.every(({ isUp, placement }) => isUp && placement.epoch === epoch)
      const isReady = isKnown && next!.every((number) => this.#members[number]!.remembers)
      if (isReady) this.#publish({ epoch: epoch + 1, members: next!, next: null })
      else this.#settleSoon()
    })
  }

  #after(afterMs: number, task: () => void): void {
    this.#timeline.add(afterMs, new Task(task))
  }
}

function holds({ members, next }: Layout, number: number): boolean {
  return members.includes(number) || next?.includes(number) === true
}
