/** Answers of two lives of a member do not go together. */
import t from 'tap'
import { Electorate } from '../src/electorate.ts'
import { Exchange } from '../src/exchange.ts'

const ASKER = { onReply: () => {}, onTimer: () => {} }
const FIRST = [{ member: 7, life: 1 }]
const SECOND = [{ member: 7, life: 2 }]

function exchange(): Exchange {
  return new Exchange({
    number: 1,
    electorate: new Electorate([5, 7, 9]),
    epoch: 1,
    asker: ASKER,
    sinceMs: 0,
    hearsAll: false,
    follows: null,
  })
}

t.test('an old answer beside one that knows better', async (t) => {
  for (const [old, later] of [
    [[], FIRST],
    [FIRST, SECOND],
  ] as const) {
    const one = exchange()
    t.equal(one.hear(7, old), 1)
    t.equal(one.hear(9, later), -1)
    t.equal(one.hear(5, old), -1, 'nobody is heard any more')
    const turned = exchange()
    t.equal(turned.hear(9, later), 2)
    t.equal(turned.hear(7, old), -1)
  }
})

t.test('two who have heard different things of a third', async (t) => {
  const one = exchange()
  t.equal(one.hear(5, []), 0)
  t.equal(one.hear(9, SECOND), 2, 'the third is not counted')
  t.equal(one.hear(7, SECOND), -1, 'with the first it would be')
})

t.test('all know of the same life', async (t) => {
  const one = exchange()
  t.equal(one.hear(5, FIRST), 0)
  t.equal(one.hear(7, FIRST), 1)
  t.equal(one.hear(9, FIRST), 2)
})
