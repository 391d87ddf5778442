/** Replies that wait until what they show is durable. */
import type { Reply } from './messages.ts'
import type { Durability, ReplicaStore } from './ports.ts'

interface Waiting {
  readonly member: number
  readonly reply: Reply
  readonly position: number
}

export class Outbox {
  readonly #store: ReplicaStore
  readonly #send: (member: number, reply: Reply) => void
  /** By durability. Positions rise: who shows something older waits with the others, for the same sync. */
  readonly #queues: readonly Waiting[][] = [[], [], []]

  constructor(store: ReplicaStore, send: (member: number, reply: Reply) => void) {
    this.#store = store
    this.#send = send
  }

  send(member: number, reply: Reply, position: number, durability: Durability): void {
    if (position <= this.#store.durableUpTo(durability)) this.#send(member, reply)
    else this.#queues[durability]!.push({ member, reply, position })
  }

  onDurable(): void {
    for (const [durability, queue] of this.#queues.entries()) {
      const mark = this.#store.durableUpTo(durability as Durability)
      let count = 0
      while (count < queue.length && queue[count]!.position <= mark) {
        const { member, reply } = queue[count]!
        this.#send(member, reply)
        count += 1
      }
      if (count > 0) queue.splice(0, count)
    }
  }
}
