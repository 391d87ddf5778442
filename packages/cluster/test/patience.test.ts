/** How long an answer is waited for. */
import t from 'tap'
import { PATIENCE_MS_MAX, PATIENCE_MS_MIN } from '../src/limits.ts'
import { Patience } from '../src/patience.ts'

t.test('a slow answer counts at once, and fades', async (t) => {
  const patience = new Patience(0)
  t.ok(patience.ms >= PATIENCE_MS_MIN)
  patience.observe(300, 0)
  t.ok(patience.ms > 300, 'the next that slow is heard')
  const after = patience.ms
  for (let count = 0; count < 200; count++) patience.observe(1, count)
  t.ok(patience.ms < after / 2)
  t.ok(patience.ms >= PATIENCE_MS_MIN)
})

t.test('many answers at once do not make it forget a pause', async (t) => {
  const patience = new Patience(30)
  patience.observe(300, 0)
  for (let count = 0; count < 10_000; count++) patience.observe(1, 10)
  t.ok(patience.ms > 500)
})

t.test('within its bounds', async (t) => {
  const patience = new Patience(0)
  patience.observe(1e9, 0)
  t.equal(patience.ms, PATIENCE_MS_MAX)
  t.equal(patience.roundTripMs, PATIENCE_MS_MAX)
})
