/** What waits until the log is durable: replies, for what they show, and whatever else comes after it. */
import type { Message } from './messages.ts'
import { DURABILITY, type Durability, type ReplicaStore } from './ports.ts'

/** A reply, or a task. */
type Due = Message | (() => void)

/** In the order of their positions, in arrays that are used again: an entry for each write. */
interface Queue {
  readonly positions: number[]
  readonly members: number[]
  readonly dues: Due[]
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
    const { positions, members, dues } = this.#queues[durability]!
    positions.push(position)
    members.push(member)
    dues.push(due)
    this.#store.want(durability)
  }

  /** Nothing waits. */
  get isEmpty(): boolean {
    const [ofMemory, ofSystem, ofDisk] = this.#queues as [Queue, Queue, Queue]
    return ofMemory.dues.length + ofSystem.dues.length + ofDisk.dues.length === 0
  }

  onDurable(): void {
    for (let durability = 0; durability < this.#queues.length; durability++) {
      if (this.#queues[durability]!.dues.length > 0) this.#release(durability as Durability)
    }
  }

  #release(durability: Durability): void {
    const queue = this.#queues[durability]!
    const { positions } = queue
    const mark = this.#store.durableUpTo(durability)
    let count = 0
    while (count < positions.length && positions[count]! <= mark) count += 1
    if (count === 0) return
    const due = count === positions.length ? this.#takeAll(durability) : firstOf(queue, count)
    const { members, dues } = due
    for (let index = 0; index < count; index++) {
      const one = dues[index]!
      if (typeof one === 'function') one()
      else this.#send(members[index]!, one)
    }
    empty(due)
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
  return { positions: [], members: [], dues: [] }
}

function firstOf({ positions, members, dues }: Queue, count: number): Queue {
  return {
    positions: positions.splice(0, count),
    members: members.splice(0, count),
    dues: dues.splice(0, count),
  }
}

function empty({ positions, members, dues }: Queue): void {
  positions.length = 0
  members.length = 0
  dues.length = 0
}
