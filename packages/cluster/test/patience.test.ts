/** How long an answer is waited for. */
import t from 'tap'
import { PATIENCE_MS_MAX, PATIENCE_MS_MIN } from '../src/limits.ts'
import { Patience } from '../src/patience.ts'

t.test('a slow answer counts at once, and fades', async (t) => {
  const patience = new Patience()
  t.ok(patience.ms >= PATIENCE_MS_MIN)
  patience.observe(300)
  t.ok(patience.ms > 300, 'the next that slow is heard')
  const after = patience.ms
  for (let count = 0; count < 200; count++) patience.observe(1)
  t.ok(patience.ms < after / 2)
  t.ok(patience.ms >= PATIENCE_MS_MIN)
})

t.test('within its bounds', async (t) => {
  const patience = new Patience()
  patience.observe(1e9)
  t.equal(patience.ms, PATIENCE_MS_MAX)
  t.equal(patience.roundTripMs, PATIENCE_MS_MAX)
})
