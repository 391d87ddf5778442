/** What waits until the log is durable: replies, for what they show, and whatever else comes after it. */
import type { Message } from './messages.ts'
import { DURABILITY, type Durability, type ReplicaStore } from './ports.ts'

/** A reply, or a task. */
type Due = Message | (() => void)

/**
 * In the order of their positions, in arrays that are used again: an entry for each write. They stay as long
 * as they were, for an array that is made shorter gives its memory back: what counts is `count`.
 */
interface Queue {
  count: number
  readonly positions: number[]
  readonly members: number[]
  readonly dues: (Due | null)[]
}

const NOBODY = -1

export class Outbox {
  readonly #store: ReplicaStore
  readonly #send: (member: number, reply: Message) => void
  /** By durability. Positions rise: who shows something older waits with the others, for the same sync. */
  readonly #queues: Queue[] = [emptyQueue(), emptyQueue(), emptyQueue()]
  /** Swapped with a queue whose entries are all due. */
  #spare: Queue = emptyQueue()

  constructor(store: ReplicaStore, send: (member: number, reply: Message) => void) {
    this.#store = store
    this.#send = send
  }

  send(member: number, reply: Message, position: number, durability: Durability): void {
    if (position <= this.#store.durableUpTo(durability)) this.#send(member, reply)
    else this.#wait(position, member, reply, durability)
  }

  afterSync(position: number, task: () => void): void {
    if (position <= this.#store.durableUpTo(DURABILITY.fsync)) task()
    else this.#wait(position, NOBODY, task, DURABILITY.fsync)
  }

  /** What is shown may have been written at a lower level than it is asked for at now. */
  #wait(position: number, member: number, due: Due, durability: Durability): void {
    const queue = this.#queues[durability]!
    const at = queue.count
    queue.count = at + 1
    queue.positions[at] = position
    queue.members[at] = member
    queue.dues[at] = due
    this.#store.want(durability)
  }

  /** Nothing waits. */
  get isEmpty(): boolean {
    const [ofMemory, ofSystem, ofDisk] = this.#queues as [Queue, Queue, Queue]
    return ofMemory.count + ofSystem.count + ofDisk.count === 0
  }

  onDurable(): void {
    for (let durability = 0; durability < this.#queues.length; durability++) {
      if (this.#queues[durability]!.count > 0) this.#release(durability as Durability)
    }
  }

  #release(durability: Durability): void {
    const queue = this.#queues[durability]!
    const { positions } = queue
    const mark = this.#store.durableUpTo(durability)
    let count = 0
    while (count < queue.count && positions[count]! <= mark) count += 1
    if (count === 0) return
    const due = count === queue.count ? this.#takeAll(durability) : firstOf(queue, count)
    const { members, dues } = due
    for (let index = 0; index < count; index++) {
      const one = dues[index]!
      dues[index] = null
      if (typeof one === 'function') one()
      else this.#send(members[index]!, one)
    }
    due.count = 0
    this.#spare = due
  }

  #takeAll(durability: Durability): Queue {
    const queue = this.#queues[durability]!
    this.#queues[durability] = this.#spare
    // A task may come back here.
    this.#spare = emptyQueue()
    return queue
  }
}

function emptyQueue(): Queue {
  return { count: 0, positions: [], members: [], dues: [] }
}

function firstOf(queue: Queue, count: number): Queue {
  queue.count -= count
  return {
    count,
    positions: queue.positions.splice(0, count),
    members: queue.members.splice(0, count),
    dues: queue.dues.splice(0, count),
  }
}
