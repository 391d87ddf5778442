/** What an answer tells of the other's clock, and what it cannot. */
import { test } from 'tap'
import { isOff } from '../src/cluster/clock-watch.ts'
import { PEER_CLOCK_SAMPLE_MS } from '../src/limits.ts'
import { PeerClock } from '../src/peers/peer-clock.ts'

const MAX_OFFSET_MS = 500
const NOW = 1_000_000

test('a clock that is off shows in a quick answer', async (t) => {
  const clock = new PeerClock()
  clock.add(20, NOW + 3000 - 10, NOW, 0)
  t.equal(clock.offsetMs, 3000)
  t.equal(clock.offsetMsAtLeast, 2990)
  t.ok(isOff([clock.offsetMsAtLeast!], MAX_OFFSET_MS))
})

test('an answer that took long is no doubt about a clock', async (t) => {
  for (const givenMs of [0, 2000, 4000]) {
    const clock = new PeerClock()
    // Both clocks are the same: what is not known is when, between question and answer, it was looked at.
    clock.add(4000, NOW - 4000 + givenMs, NOW, 0)
    t.equal(clock.offsetMs, givenMs - 2000)
    t.equal(Math.abs(clock.offsetMsAtLeast!), 0)
    t.notOk(isOff([clock.offsetMsAtLeast!], MAX_OFFSET_MS))
  }
})

test('the quickest answer of late counts, and a slow one when there was no other', async (t) => {
  const clock = new PeerClock()
  clock.add(10, NOW + 800 - 5, NOW, 0)
  clock.add(3000, NOW, NOW, 100)
  t.equal(clock.offsetMsAtLeast, 795)
  clock.add(3000, NOW + 300, NOW, PEER_CLOCK_SAMPLE_MS)
  t.equal(clock.offsetMs, 1800)
  t.equal(clock.offsetMsAtLeast, 300)
})
