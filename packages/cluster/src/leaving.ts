/**
 * What a member holds of partitions that are not its own any more. It stays until all that hold them now
 * have written down that they do: until then one may still have to hear what was there. Then it is compared
 * with them, who get what nobody else has (a write that one replica was enough for), and dropped.
 */
import type { Layouts } from './layouts.ts'
import { MESSAGE, type Message } from './messages.ts'
import type { Repair } from './repair.ts'
import type { Replica } from './replica.ts'

export interface LeavingParts {
  readonly replica: Replica
  readonly repair: Repair
  readonly layouts: Layouts
  readonly self: number
  readonly send: (member: number, message: Message) => void
  readonly envelope: (exchange: number) => Pick<Message, 'exchange' | 'epoch' | 'time'>
}

interface Lost {
  /** In which it was found to be another's. */
  readonly phase: number
  /** Those who have got what we have of it. */
  readonly has: Set<number>
}

export class Leaving {
  readonly #parts: LeavingParts
  /** By member: the latest phase that it is known to obey. */
  readonly #phases = new Map<number, number>()
  /** By partition. */
  readonly #lost = new Map<number, Lost>()
  readonly #comparing = new Set<number>()

  constructor(parts: LeavingParts) {
    this.#parts = parts
  }

  /** Another phase is obeyed. */
  onLayout(): void {
    const { layouts, replica, self } = this.#parts
    for (const partition of replica.trees.partitions()) {
      const isOurs = layouts.electorateOf(partition).positionOf(self) >= 0
      if (isOurs) this.#lost.delete(partition)
      else if (!this.#lost.has(partition)) this.#lost.set(partition, { phase: layouts.epoch, has: new Set() })
    }
  }

  hear(member: number, phase: number): void {
    if (phase > (this.#phases.get(member) ?? 0)) this.#phases.set(member, phase)
  }

  onTick(): void {
    const { layouts, send, envelope } = this.#parts
    const awaited = new Set<number>()
    /** By member: what is compared with it. */
    const due = new Map<number, number[]>()
    for (const [partition, { phase, has }] of this.#lost) {
      const replicas = layouts.replicasOf(partition)
      const behind = replicas.filter((member) => (this.#phases.get(member) ?? 0) < phase)
      for (const member of behind) awaited.add(member)
      if (behind.length > 0 || this.#comparing.has(partition)) continue
      // The other regions have it from these.
      const member = layouts.electorateOf(partition).members.find((one) => !has.has(one))
      if (member === undefined) this.#drop(partition)
      else due.set(member, [...(due.get(member) ?? []), partition])
    }
    for (const member of awaited) send(member, { kind: MESSAGE.learn, ...envelope(0) })
    for (const [member, partitions] of due) this.#handOver(member, partitions)
  }

  #handOver(member: number, partitions: readonly number[]): void {
    const { repair } = this.#parts
    for (const partition of partitions) this.#comparing.add(partition)
    repair.compareWith(member, partitions, (isComplete) => {
      for (const partition of partitions) {
        this.#comparing.delete(partition)
        if (isComplete) this.#lost.get(partition)?.has.add(member)
      }
    })
  }

  #drop(partition: number): void {
    this.#lost.delete(partition)
    this.#parts.replica.drop(partition)
  }
}
