/** How far other regions are behind, as the health document tells it. */
import t from 'tap'
import { regionFacts } from '../src/cluster/member-health.ts'

const NOW_MS = 1_000_000
/** One of another region that has all that is here. */
const LEVEL = { region: 'us', isForeign: true, hints: 0, oldestHintMs: null }
const OWN = { region: 'eu', isForeign: false, hints: 7, oldestHintMs: null }

const factsOf = (...peers: Parameters<typeof regionFacts>[1]) => regionFacts('eu', peers, NOW_MS)

t.test('a region is as far behind as the last of its members', async (t) => {
  const late = { ...LEVEL, hints: 3, oldestHintMs: NOW_MS - 2_449 }
  const later = { ...LEVEL, hints: 2, oldestHintMs: NOW_MS - 7_000 }
  t.same(factsOf(OWN, late, LEVEL, later), { region: 'eu', lag_seconds_us: 7, lag_keys_us: 3 })
  t.same(factsOf(late), { region: 'eu', lag_seconds_us: 2.4, lag_keys_us: 3 }, 'with one decimal')
})

t.test('each region by itself', async (t) => {
  const asia = { ...LEVEL, region: 'asia', hints: 1, oldestHintMs: NOW_MS - 500 }
  t.same(factsOf(LEVEL, asia), {
    ...{ region: 'eu', lag_seconds_us: 0, lag_keys_us: 0 },
    ...{ lag_seconds_asia: 0.5, lag_keys_asia: 1 },
  })
})

t.test('what was written by a clock ahead of ours is not behind', async (t) => {
  t.match(factsOf({ ...LEVEL, hints: 1, oldestHintMs: NOW_MS + 60_000 }), {
    lag_seconds_us: 0,
    lag_keys_us: 1,
  })
})

t.test('with one region nothing is said of regions', async (t) => {
  t.same(factsOf(OWN, OWN), {})
  t.same(factsOf(), {})
})
