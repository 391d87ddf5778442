/** What waits until the log is durable: replies, for what they show, and whatever else comes after it. */
import type { Message } from './messages.ts'
import { DURABILITY, type Durability, type ReplicaStore } from './ports.ts'

interface Waiting {
  readonly position: number
  readonly member: number
  /** Null: no reply, but a task. */
  readonly reply: Message | null
  readonly task: (() => void) | null
}

export class Outbox {
  readonly #store: ReplicaStore
  readonly #send: (member: number, reply: Message) => void
  /** By durability. Positions rise: who shows something older waits with the others, for the same sync. */
  readonly #queues: readonly [Waiting[], Waiting[], Waiting[]] = [[], [], []]

  constructor(store: ReplicaStore, send: (member: number, reply: Message) => void) {
    this.#store = store
    this.#send = send
  }

  send(member: number, reply: Message, position: number, durability: Durability): void {
    if (position <= this.#store.durableUpTo(durability)) this.#send(member, reply)
    else this.#wait({ position, member, reply, task: null }, durability)
  }

  afterSync(position: number, task: () => void): void {
    if (position <= this.#store.durableUpTo(DURABILITY.fsync)) task()
    else this.#wait({ position, member: 0, reply: null, task }, DURABILITY.fsync)
  }

  /** What is shown may have been written at a lower level than it is asked for at now. */
  #wait(waiting: Waiting, durability: Durability): void {
    this.#queues[durability].push(waiting)
    this.#store.want(durability)
  }

  /** Nothing waits. */
  get isEmpty(): boolean {
    const [ofMemory, ofSystem, ofDisk] = this.#queues
    return ofMemory.length + ofSystem.length + ofDisk.length === 0
  }

  onDurable(): void {
    for (const [durability, queue] of this.#queues.entries()) {
      if (queue.length === 0) continue
      const mark = this.#store.durableUpTo(durability as Durability)
      let count = 0
      while (count < queue.length && queue[count]!.position <= mark) count += 1
      if (count === 0) continue
      for (const { member, reply, task } of queue.splice(0, count)) {
        if (reply === null) task!()
        else this.#send(member, reply)
      }
    }
  }
}
