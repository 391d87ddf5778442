/** Rounds of our own: one on a key at a time, and what came meanwhile is admitted after it. */
import t from 'tap'
import type { Operation } from '../src/operation.ts'
import { ZERO } from '../src/record.ts'
import { Spreading } from '../src/spreading.ts'
import { KEY } from '../src/testing/index.ts'
import { readRecord, readVersion, writtenRecord } from './support/words.ts'

const OTHER = { ...KEY, id: 'other' }
const record = (words: string) => readRecord(words, null)

/** Rounds that end when they are told to, and what they are about, in words. */
class Rounds {
  readonly begun: string[] = []
  readonly deadlines: number[] = []
  readonly about: Partial<Operation>[] = []
  readonly #underWay = new Map<string, () => void>()

  settle({ id }: { id: string }, deadlineMs: number, about: Partial<Operation>, onOver: () => void): void {
    if (this.#underWay.has(id)) throw new Error(`two rounds on ${id}`)
    this.#underWay.set(id, onOver)
    const { candidate, isAdmission } = about
    const words = candidate ? ` ${writtenRecord(candidate)}` : ''
    this.begun.push(`${isAdmission ? 'admit' : 'spread'} ${id}${words}`)
    this.deadlines.push(deadlineMs)
    this.about.push(about)
  }

  end(id = KEY.id): void {
    const onOver = this.#underWay.get(id)!
    this.#underWay.delete(id)
    onOver()
  }

  take(): string[] {
    return this.begun.splice(0)
  }
}

function start() {
  const rounds = new Rounds()
  const over: string[] = []
  const told = (name: string) => () => void over.push(name)
  return { rounds, spreading: new Spreading(rounds), over, told }
}

t.test('one spreading of a key is as good as two', async (t) => {
  const { rounds, spreading, over, told } = start()
  spreading.spread(KEY, told('first'))
  spreading.spread(KEY, told('second'), record('x@20'))
  spreading.spread(OTHER, told('other'), record('y@20'), readVersion('30'))
  t.same(rounds.take(), ['spread k', 'spread other y@20'])
  t.same(
    rounds.about.map(({ above }) => above?.wallMs),
    [ZERO.wallMs, 30],
  )
  t.same(over, ['second'], 'nobody waits for a round that is not his')
  rounds.end()
  t.same(over, ['second', 'first'])
  spreading.spread(KEY, told('third'))
  t.same(rounds.take(), ['spread k'], 'the key is free again')
})

t.test('of what is to be admitted meanwhile the latest comes next', async (t) => {
  for (const order of [
    ['x@40/20', 'y@30', 'z@50/10'],
    ['z@50/10', 'x@40/20', 'y@30'],
    ['y@30', 'z@50/10', 'x@40/20'],
  ]) {
    const { rounds, spreading, over, told } = start()
    spreading.admit(KEY, record('w@10'), told('first'), 77)
    for (const words of order) spreading.admit(KEY, record(words), told(words))
    spreading.admit(OTHER, record('v@5'), told('other'))
    t.same(rounds.take(), ['admit k w@10', 'admit other v@5'])
    t.equal(rounds.deadlines[0], 77)
    t.same(over, order, 'nobody waits for what is queued')
    rounds.end(OTHER.id)
    t.same(rounds.take(), [], 'what is queued is of its key')
    rounds.end()
    t.same(over.slice(order.length), ['other', 'first'])
    t.same(rounds.take(), ['admit k y@30'], 'by version, whatever the ballots')
    rounds.end()
    t.same(rounds.take(), [], 'once')
  }
})

t.test('what is queued comes behind a spreading, too, and others queue behind it', async (t) => {
  const { rounds, spreading, told } = start()
  spreading.spread(KEY, told('spread'))
  spreading.admit(KEY, record('x@20'), told('x'))
  rounds.end()
  spreading.admit(KEY, record('y@10'), told('y'))
  spreading.spread(KEY, told('again'))
  rounds.end()
  t.same(rounds.take(), ['spread k', 'admit k x@20', 'admit k y@10'], 'an older one is decided by a round')
})

t.test('who is told that it is over may ask at once', async (t) => {
  const { rounds, spreading, told } = start()
  spreading.spread(KEY, () => spreading.admit(KEY, record('x@20'), told('x')))
  spreading.admit(KEY, record('y@30'), told('y'))
  rounds.end()
  t.same(rounds.take(), ['spread k', 'admit k x@20'])
  rounds.end()
  t.same(rounds.take(), ['admit k y@30'], 'and nothing that was queued is lost')
})
