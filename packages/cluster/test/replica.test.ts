/** One replica through random lives; and that each of the rules is needed. */
import fc from 'fast-check'
import t from 'tap'
import { type Core, plantedCore, theCore } from './support/planted-core.ts'
import { ReplicaHistory, steps } from './support/replica-history.ts'

const RUNS = 3000

/** What went wrong in the shortest life that was found; null: nothing. */
function wrongWith(core: Core): string | null {
  let wrong: string | null = null
  const property = fc.property(steps, (life) => {
    const history = new ReplicaHistory(core)
    for (const step of life) history.do(step)
    wrong = history.wrong ?? wrong
    return history.wrong === null
  })
  return fc.check(property, { numRuns: RUNS, seed: 6 }).failed ? wrong : null
}

t.test('what was told stays true, through power cuts', async (t) => {
  t.equal(wrongWith(theCore), null)
})

const FAULTS: readonly (readonly [wrong: RegExp, removed: string, added: string])[] = [
  [
    /is taken below the promise/,
    'if (isBelow(record.ballot, promised)) return this.#refuse(VERDICT.promised, held, promised)',
    '',
  ],
  [
    /is taken below the record/,
    'if (!isAbove(record.ballot, held.ballot)) return this.#refuse(VERDICT.older, held, promised)',
    '',
  ],
  [
    /is forgotten|is promised twice/,
    'if (!isAbove(ballot, promised)) return this.#denied(VERDICT.promised, record, promised)',
    '',
  ],
  [
    /is promised twice/,
    'if (!isAbove(ballot, promised)) return this.#denied(VERDICT.promised, record, promised)',
    'if (isBelow(ballot, promised)) return this.#denied(VERDICT.promised, record, promised)',
  ],
  [
    /attempt \d of \d passes/,
    'if (attempt < this.#ledger.attempt(request)) return this.#denied(VERDICT.superseded, record, promised)',
    '',
  ],
  [
    /is no more held|passes after/,
    'const isForgetful = !isAbove(request, this.#horizonOf(key))',
    'const isForgetful = false',
  ],
  [
    /was shown/,
    'const end = this.#store.hold(key, record, durability)',
    'const end = this.#store.hold(key, record, durability) - 1',
  ],
  [
    /is forgotten/,
    'const position = this.#store.pledge(key, { ballot, request, attempt })',
    'const position = this.#store.pledge(key, { ballot, request, attempt }) - 1',
  ],
  [/was shown/, 'if (isAbove(record.ballot, upTo)) return false', ''],
  [
    /is forgotten/,
    'if (isAbove(promised, upTo)) return false',
    'if (record === null || record.value !== null) return false',
  ],
]

t.test('each rule is needed', async (t) => {
  const copies = t.testdir({})
  for (const [index, [wrong, removed, added]] of FAULTS.entries()) {
    const edit = { file: 'replica.ts', removed: [removed], added: [added] }
    const core = await plantedCore([edit], `${copies}/${index}`)
    t.match(wrongWith(core), wrong, removed)
  }
})
