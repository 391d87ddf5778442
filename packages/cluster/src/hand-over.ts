/**
 * What a member holds of partitions that are not its own any more. It stays until all that hold them now have
 * written down that they do: until then one of them may still have to hear what was there.
 */
import type { Layouts } from './layouts.ts'
import { MESSAGE, type Message } from './messages.ts'
import type { Replica } from './replica.ts'

export interface HandOverParts {
  readonly replica: Replica
  readonly layouts: Layouts
  readonly self: number
  readonly send: (member: number, message: Message) => void
  readonly envelope: (exchange: number) => Pick<Message, 'exchange' | 'epoch' | 'time'>
}

export class HandOver {
  readonly #parts: HandOverParts
  /** By member: the latest phase that it is known to obey. */
  readonly #phases = new Map<number, number>()
  /** By partition: the phase in which it was found to be another's. */
  readonly #lost = new Map<number, number>()

  constructor(parts: HandOverParts) {
    this.#parts = parts
  }

  /** Another phase is obeyed. */
  onLayout(): void {
    const { layouts, replica, self } = this.#parts
    for (const partition of replica.trees.partitions()) {
      const isOurs = layouts.electorateOf(partition).positionOf(self) >= 0
      if (isOurs) this.#lost.delete(partition)
      else if (!this.#lost.has(partition)) this.#lost.set(partition, layouts.epoch)
    }
  }

  hear(member: number, phase: number): void {
    if (phase > (this.#phases.get(member) ?? 0)) this.#phases.set(member, phase)
  }

  onTick(): void {
    const { layouts, replica, send, envelope } = this.#parts
    const awaited = new Set<number>()
    for (const [partition, phase] of this.#lost) {
      const { members } = layouts.electorateOf(partition)
      const behind = members.filter((member) => (this.#phases.get(member) ?? 0) < phase)
      for (const member of behind) awaited.add(member)
      if (behind.length > 0) continue
      replica.drop(partition)
      this.#lost.delete(partition)
    }
    for (const member of awaited) send(member, { kind: MESSAGE.learn, ...envelope(0) })
  }
}
