/** The wheel of the core's timers against a sorted list. */
import fc from 'fast-check'
import t from 'tap'
import { TimerWheel } from '../src/cluster/timer-wheel.ts'
import { TIMER_STEP_MS, TIMER_STEPS } from '../src/limits.ts'

const RING_MS = TIMER_STEP_MS * TIMER_STEPS
const PAST_MS = 5

t.test('each comes once, not before it is due, and at most two steps after it', async (t) => {
  const wait = fc.oneof(fc.integer({ min: -PAST_MS, max: 200 }), fc.integer({ min: 0, max: 3 * RING_MS }))
  const action = fc.record({ waitMs: wait, thenMs: fc.integer({ min: 0, max: 300 }) })
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      let nowMs = 1000.5
      const due = new Map<number, number>()
      const late: number[] = []
      const wheel = new TimerWheel(nowMs, (exchange, stage) => {
        const dueMs = due.get(exchange)!
        late.push(nowMs - dueMs)
        if (stage !== exchange % 7 || dueMs > nowMs)
          throw new Error(`${exchange} came too early, or as another`)
        due.delete(exchange)
      })
      for (const [exchange, { waitMs, thenMs }] of actions.entries()) {
        due.set(exchange, nowMs + waitMs)
        wheel.set(nowMs + waitMs, exchange, exchange % 7)
        for (let step = 0; step < thenMs; step += TIMER_STEP_MS) {
          nowMs += TIMER_STEP_MS
          wheel.advance(nowMs)
        }
      }
      for (let step = 0; due.size > 0 && step < 4 * TIMER_STEPS; step++) {
        nowMs += TIMER_STEP_MS
        wheel.advance(nowMs)
      }
      // What was set in the past waits for the next step.
      return due.size === 0 && wheel.count === 0 && late.every((ms) => ms <= 2 * TIMER_STEP_MS + PAST_MS)
    }),
    { numRuns: 100 },
  )
  t.pass()
})

t.test('after a sleep longer than the ring all that is due comes at once', async (t) => {
  let nowMs = 0
  const came: number[] = []
  const wheel = new TimerWheel(nowMs, (exchange) => came.push(exchange))
  wheel.set(10, 1, 0)
  wheel.set(RING_MS * 2, 2, 0)
  wheel.set(RING_MS * 20, 3, 0)
  nowMs = RING_MS * 10
  wheel.advance(nowMs)
  t.same(came, [1, 2])
  wheel.advance(nowMs)
  t.same(came, [1, 2], 'once')
  t.equal(wheel.count, 1)
})

t.test('a timer that is set while another one comes', async (t) => {
  let nowMs = 0
  const came: number[] = []
  const wheel = new TimerWheel(nowMs, (exchange) => {
    came.push(exchange)
    if (exchange < 5) wheel.set(nowMs, exchange + 1, 0)
  })
  wheel.set(0, 1, 0)
  for (; nowMs < 100; nowMs += TIMER_STEP_MS) wheel.advance(nowMs)
  t.same(came, [1, 2, 3, 4, 5])
})
