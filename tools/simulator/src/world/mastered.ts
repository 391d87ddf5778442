/**
 * A cluster that finds itself: workers, the master they know, and what these ask of each other. The members
 * are the same as in any other history; only how they come into a layout is another matter.
 */
import { PROPOSAL } from '@minivault/cluster'
import { MASTER, type MasterItem, type Setup } from '../plan/plan.ts'
import { Calls } from './calls.ts'
import { Task } from './disk.ts'
import { holdersOf, type LayoutForm, layoutsOf } from './layout.ts'
import { Master, type MemberReply, THE_MASTER } from './master.ts'
import type { ClusterPackage, Member } from './member.ts'
import type { Network } from './network.ts'
import type { Timeline } from './timeline.ts'
import { addressOf, numberOf, type SendStart, Worker } from './worker.ts'

const REPLICAS = 3
const OK = 200
const ACCEPTED = 202
const CONFLICT = 409

export interface MasteredParts {
  readonly cluster: ClusterPackage
  readonly timeline: Timeline
  readonly network: Network
  readonly seed: number
  readonly setup: Setup
  readonly layoutForm: LayoutForm
  readonly members: readonly Member[]
  readonly isOver: () => boolean
  readonly say: (text: string) => void
}

export class Mastered {
  readonly master: Master
  readonly workers: readonly Worker[]
  readonly #parts: MasteredParts
  readonly #calls: Calls
  #isGone = false

  constructor(parts: MasteredParts) {
    this.#parts = parts
    const { cluster, timeline, network, seed, setup, members, isOver } = parts
    const calls = new Calls(timeline, network, seed, setup)
    this.#calls = calls
    this.master = new Master({
      master: cluster.master ?? THE_MASTER,
      timeline,
      rules: { mode: 'federated', replicas: REPLICAS, foundersMin: setup.founders! },
      askMembers: (names, body, then) => this.#askMembers(names, body, then),
      isOver,
    })
    this.workers = members.map((member, number) => {
      const report = (mine: unknown) => (this.master.isUp ? this.master.take(mine) : null)
      const sendStart: SendStart = (to, message) => {
        calls.send(number, to, () => this.workers[to]!.onStart(number, message))
      }
      return new Worker(number, { ...parts, member, calls, report, sendStart })
    })
  }

  /** Those that were started and do not serve yet. */
  get outsiders(): number[] {
    return this.workers
      .filter(({ isNew, number }) => !isNew && !this.#isMember(number))
      .map(({ number }) => number)
  }

  /** Whether it is there, or will be. */
  get isForGood(): boolean {
    return !this.#isGone
  }

  startWorker(number: number): void {
    this.workers[number]!.start()
  }

  #isMember(number: number): boolean {
    const member = this.#parts.members[number]!
    const layouts = member.isUp ? layoutsOf(member) : null
    return layouts !== null && holdersOf(layouts.state.table).includes(number)
  }

  crashMaster({ losesFolder, forMs, returns }: MasterItem): void {
    if (!this.master.isUp) return
    const { timeline, say } = this.#parts
    this.master.crash(losesFolder)
    say(`the master crashes${losesFolder ? ', and loses its folder' : ''}`)
    // Nobody else brings in those who wait.
    this.#isGone = !returns && this.outsiders.length === 0
    if (this.#isGone) return
    timeline.add(
      forMs,
      new Task(() => {
        this.master.start()
        say('the master starts')
      }),
    )
  }

  #askMembers(names: readonly string[], body: unknown, then: (reply: MemberReply | null) => void): void {
    const [first, ...others] = names
    if (first === undefined) return then(null)
    const to = numberOf(first)
    this.#calls.call<MemberReply>({
      from: MASTER,
      to,
      serve: (answer) => this.#serve(to, body as Addition | undefined, answer),
      onOver: (reply) => (reply === null ? this.#askMembers(others, body, then) : then(reply)),
    })
  }

  /** As apps/node does under /-/admin/layout. */
  #serve(number: number, body: Addition | undefined, answer: (reply: MemberReply) => void): void {
    const member = this.#parts.members[number]!
    const layouts = member.isUp ? layoutsOf(member) : null
    if (layouts === null) return
    const { table, next } = layouts.state
    const refuse = (code: string) =>
      answer({ status: CONFLICT, value: { success: false, error: code, code } })
    if (body === undefined) {
      const members = holdersOf(table).map((holder) => ({ name: addressOf(holder), region: 'r0', zone: '' }))
      const { clusterId } = this.workers[number]!
      const phase = next === null ? 'settled' : 'joint'
      const { epoch, home } = table
      const known = { clusterId, epoch, phase, mode: 'federated', replicas: REPLICAS, home, members }
      return answer({ status: OK, value: known })
    }
    const added = body.add.map(({ name }) => numberOf(name))
    if (next !== null) return refuse('LAYOUT_CHANGING')
    if (added.some((one) => holdersOf(table).includes(one))) return refuse('BAD_REQUEST')
    member.changeLayout([...holdersOf(table), ...added], null, (proposal) => {
      if (proposal === PROPOSAL.decided) answer({ status: ACCEPTED, value: {} })
      else refuse('LAYOUT_NOT_NEXT')
    })
  }
}

interface Addition {
  readonly add: readonly { readonly name: string }[]
}
