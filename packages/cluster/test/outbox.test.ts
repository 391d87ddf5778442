/** Replies leave when what they show is durable at their level: not before, and then at once. */
import fc from 'fast-check'
import t from 'tap'
import { MESSAGE, type Reply, VERDICT } from '../src/messages.ts'
import { Outbox } from '../src/outbox.ts'
import { DURABILITY, type Durability, type ReplicaStore } from '../src/ports.ts'
import { ZERO } from '../src/record.ts'

const LEVELS = [DURABILITY.memory, DURABILITY.os, DURABILITY.fsync]

/** The things of a log that matter here. */
class Marks implements Pick<ReplicaStore, 'durableUpTo' | 'want'> {
  end = 0
  /** By level: the end when somebody asked last. */
  readonly wanted = [0, 0, 0]
  readonly #marks: number[] = [0, 0, 0]

  durableUpTo(durability: Durability): number {
    return this.#marks[durability]!
  }

  want(durability: Durability): void {
    this.wanted[durability] = this.end
  }

  /** Memory is ahead of the system, and the system of the disk. */
  raise(level: Durability, to: number): void {
    for (const lower of LEVELS) {
      if (lower <= level) this.#marks[lower] = Math.max(this.#marks[lower]!, Math.min(to, this.end))
    }
  }
}

function replyOf(exchange: number): Reply {
  const envelope = { exchange, epoch: 1, time: ZERO, votes: true, lives: [] }
  return { kind: MESSAGE.offered, ...envelope, verdict: VERDICT.held, above: ZERO }
}

const step = fc.oneof(
  fc.record({ writes: fc.nat(2), level: fc.constantFrom(...LEVELS) }),
  fc.record({ raises: fc.constantFrom(...LEVELS), share: fc.constantFrom(0.3, 0.7, 1) }),
)

t.test('beside a list of all that waits', async () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const marks = new Marks()
      const sent: number[] = []
      const outbox = new Outbox(marks as unknown as ReplicaStore, (_, { exchange }) => sent.push(exchange))
      const all: { exchange: number; position: number; level: Durability }[] = []
      for (const one of steps) {
        if ('writes' in one) {
          marks.end += one.writes
          all.push({ exchange: all.length, position: marks.end, level: one.level })
          outbox.send(1, replyOf(all.length - 1), marks.end, one.level)
        } else {
          const from = marks.durableUpTo(one.raises)
          marks.raise(one.raises, from + Math.ceil((marks.end - from) * one.share))
          outbox.onDurable()
        }
        const due = all.filter(({ position, level }) => position <= marks.durableUpTo(level))
        if ([...sent].sort((a, b) => a - b).join() !== due.map(({ exchange }) => exchange).join())
          return false
        const waiting = all.filter(({ position, level }) => position > marks.durableUpTo(level))
        if (waiting.some(({ position, level }) => position > marks.wanted[level]!)) return false
      }
      return new Set(sent).size === sent.length
    }),
  )
})

t.test('in the order of their positions', async (t) => {
  const marks = new Marks()
  const sent: number[] = []
  const outbox = new Outbox(marks as unknown as ReplicaStore, (_, { exchange }) => sent.push(exchange))
  for (const position of [1, 2, 3]) {
    marks.end = position
    outbox.send(1, replyOf(position), position, DURABILITY.fsync)
  }
  t.same(sent, [])
  marks.raise(DURABILITY.fsync, 2)
  outbox.onDurable()
  t.same(sent, [1, 2])
  outbox.onDurable()
  t.same(sent, [1, 2], 'once')
})

t.test('a task comes after the sync, among the replies', async (t) => {
  const marks = new Marks()
  const done: (number | string)[] = []
  const outbox = new Outbox(marks as unknown as ReplicaStore, (_, { exchange }) => done.push(exchange))
  marks.end = 3
  marks.raise(DURABILITY.os, 3)
  outbox.send(1, replyOf(1), 1, DURABILITY.fsync)
  outbox.afterSync(2, () => {
    done.push('task')
    outbox.afterSync(2, () => done.push('at once'))
    outbox.afterSync(4, () => done.push('later'))
  })
  outbox.send(1, replyOf(3), 3, DURABILITY.fsync)
  t.same(done, [], 'what the system has is not on the disk')
  marks.raise(DURABILITY.fsync, 3)
  outbox.onDurable()
  t.same(done, [1, 'task', 'at once', 3])
  marks.end = 4
  marks.raise(DURABILITY.fsync, 4)
  outbox.onDurable()
  t.same(done, [1, 'task', 'at once', 3, 'later'])
})
