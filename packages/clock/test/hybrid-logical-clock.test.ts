import fc from 'fast-check'
import t from 'tap'
import { compareVersions, HybridLogicalClock, raisedWriterOf, Version } from '../src/index.ts'

const WRITER = 0xdeadbeef
const START = 1_700_000_000_000

function clockAt(
  wall: { ms: number },
  more: Partial<ConstructorParameters<typeof HybridLogicalClock>[0]> = {},
) {
  return new HybridLogicalClock({ writerId: WRITER, now: () => wall.ms, ...more })
}

/** What may happen to a clock; `ms` are jumps of the wall, in either direction. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('next' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('wall' as const),
      ms: fc.oneof(
        { weight: 4, arbitrary: fc.integer({ min: -3, max: 3 }) },
        { weight: 8, arbitrary: fc.integer({ min: 9_000, max: 13_000 }) },
        { weight: 1, arbitrary: fc.integer({ min: -4_000_000, max: 4_000_000 }) },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('observe' as const),
      ms: fc.oneof(fc.integer({ min: 499, max: 501 }), fc.integer({ min: -2000, max: 2000 })),
      counter: fc.constantFrom(0, 1, 0xfffe, 0xffff),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), clean: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('disk' as const) }) },
)

t.test('whatever the wall does: issued versions rise, bounds hold, restarts go on above', (t) => {
  const reached = { adopted: 0, refused: 0, bounds: 0, extended: 0, restartsBehind: 0 }
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), fc.boolean(), (steps, waits) => {
      const wall = { ms: START }
      let bound = 0
      // Of what was written the newest counts, whenever the disk says that it has it.
      let written = 0
      let newest = 0
      let pending: (() => void)[] = []
      const persist = (number: number, boundMs: number) => {
        if (number < newest) return
        newest = number
        bound = boundMs
        reached.bounds++
      }
      const start = () => {
        pending = []
        return clockAt(wall, {
          boundMs: bound,
          persistBound: (boundMs) => persist(++written, boundMs),
          ...(waits && {
            extendBound: (boundMs: number, done: () => void) => {
              const number = ++written
              pending.push(() => {
                persist(number, boundMs)
                done()
                reached.extended++
              })
            },
          }),
        })
      }
      let clock = start()
      const floor = new Version()
      const issued = new Version()
      for (const s of steps) {
        if (s.kind === 'wall') wall.ms += s.ms
        else if (s.kind === 'disk') for (const done of pending.splice(0)) done()
        else if (s.kind === 'restart') {
          if (s.clean) clock.seal()
          if (wall.ms < bound) reached.restartsBehind++
          clock = start()
          floor.copy(issued) // what was adopted and never built upon need not survive
        } else if (s.kind === 'observe') {
          const seen = Version.of(wall.ms + s.ms, s.counter, 7)
          const adopted = clock.observe(seen)
          if (adopted !== s.ms <= 500 || adopted === clock.isTooFarAhead(seen)) return false
          if (adopted && compareVersions(seen, floor) > 0) floor.copy(seen)
          reached[adopted ? 'adopted' : 'refused']++
        } else {
          clock.next(issued)
          if (compareVersions(issued, floor) <= 0 || issued.wallMs < wall.ms) return false
          if (issued.wallMs >= bound || issued.writerId !== WRITER) return false
          floor.copy(issued)
        }
      }
      return true
    }),
    { numRuns: 1500 },
  )
  for (const [state, n] of Object.entries(reached)) t.ok(n > 40, `${state} was reached ${n} times`)
  t.end()
})

t.test('follows the wall, counts while it stands, carries a full counter into the next millisecond', (t) => {
  const wall = { ms: START }
  const clock = clockAt(wall)
  const v = new Version()
  t.equal(String(clock.next(v)), String(Version.of(START, 0, WRITER)))
  t.equal(String(clock.next(v)), String(Version.of(START, 1, WRITER)))
  wall.ms = START + 5.75
  t.equal(String(clock.next(v)), String(Version.of(START + 5, 0, WRITER)), 'fractions are cut')
  for (let i = 0; i < 0xffff; i++) clock.next(v)
  t.equal(String(v), String(Version.of(START + 5, 0xffff, WRITER)))
  t.equal(String(clock.next(v)), String(Version.of(START + 6, 0, WRITER)))
  t.equal(clock.aheadMs, 0.25)
  wall.ms = START - 3_600_000
  t.equal(String(clock.next(v)), String(Version.of(START + 6, 1, WRITER)), 'an hour back')
  t.equal(clock.aheadMs, 3_600_006)
  // The carry that crosses from the lower into the upper word.
  const edge = { ms: 0x1_0000 * 5 - 1 }
  const carrying = clockAt(edge, { startAbove: Version.of(edge.ms, 0xffff, 0) })
  t.equal(String(carrying.next(v)), String(Version.of(edge.ms + 1, 0, WRITER)))
  t.end()
})

t.test('a wall clock that gives no sensible number', (t) => {
  for (const ms of [Number.NaN, -5, Number.NEGATIVE_INFINITY, 0]) {
    const v = clockAt({ ms }).next(new Version())
    t.equal(String(v), String(Version.of(0, 1, WRITER)), `${ms}: not zero, which means none`)
  }
  const clock = clockAt({ ms: Number.POSITIVE_INFINITY })
  const v = new Version()
  for (let i = 0; i <= 0xffff; i++) clock.next(v)
  t.equal(v.wallMs, 2 ** 48 - 1)
  t.throws(() => clock.next(v), { code: 'CLOCK_EXHAUSTED' })
  t.throws(() => clockAt({ ms: 2 ** 48 - 1 }, { persistBound: () => {} }).next(v), {
    code: 'CLOCK_EXHAUSTED',
  })
  t.end()
})

t.test('the bound is asked for every ten seconds, two before it is needed, and never passed', (t) => {
  const wall = { ms: START }
  const bounds: number[] = []
  const clock = clockAt(wall, { persistBound: (ms) => bounds.push(ms) })
  const v = new Version()
  for (; wall.ms < START + 60_000; wall.ms += 100) clock.next(v)
  t.same(
    bounds,
    [12_000, 22_000, 32_000, 42_000, 52_000, 62_000].map((ms) => START + ms),
  )

  clock.seal()
  t.equal(bounds.at(-1), v.wallMs + 1, 'a clean close lowers it')
  const again = clockAt({ ms: START }, { boundMs: bounds.at(-1)! })
  t.equal(again.next(new Version()).wallMs, v.wallMs + 1)
  clock.next(v)
  t.ok(bounds.at(-1)! > v.wallMs, 'and whoever goes on after it asks again')

  const above = clockAt(wall, { startAbove: Version.of(wall.ms + 9_000, 3, 0xffffffff) })
  t.equal(String(above.next(v)), String(Version.of(wall.ms + 9_000, 4, WRITER)), 'startAbove')
  const unused = clockAt(wall, { boundMs: START, persistBound: () => t.fail('nothing to persist') })
  unused.seal()
  t.end()
})

t.test('a bound is extended without waiting, unless the old one is reached before that is done', (t) => {
  const wall = { ms: START }
  const persisted: number[] = []
  const extended: { ms: number; done: () => void }[] = []
  const clock = clockAt(wall, {
    persistBound: (ms) => persisted.push(ms),
    extendBound: (ms, done) => extended.push({ ms, done }),
  })
  const v = new Version()
  const at = (ms: number) => {
    wall.ms = START + ms
    return clock.next(v).wallMs - START
  }
  at(0)
  t.same(persisted, [START + 12_000], 'the first one is waited for')
  t.equal(at(10_500), 10_500)
  t.equal(at(11_000), 11_000)
  t.same(
    extended.map(({ ms }) => ms),
    [START + 22_500],
    'asked once',
  )
  extended[0]!.done()
  t.equal(at(15_000), 15_000)
  t.equal(at(20_500), 20_500)
  t.equal(extended.length, 2)
  t.equal(at(22_500), 22_500)
  t.same(persisted.slice(1), [START + 34_500], 'the second was late')
  extended[1]!.done()
  at(33_000)
  t.equal(extended.length, 3, 'and says nothing any more')
  clock.seal()
  extended[2]!.done()
  at(33_500)
  t.equal(persisted.at(-1), START + 45_500, 'nor does one from before the seal')
  t.end()
})

t.test('a bound that cannot be persisted: nothing is issued', (t) => {
  let fail = true
  const clock = clockAt(
    { ms: START },
    {
      persistBound: () => {
        if (fail) throw new Error('disk')
      },
    },
  )
  const v = new Version(1, 2, 3)
  t.throws(() => clock.next(v), { message: 'disk' })
  t.equal(String(v), String(new Version(1, 2, 3)))
  fail = false
  t.equal(clock.next(v).wallMs, START, 'and it works once it can')
  t.end()
})

t.test('persisting the bound may itself take a version, below the old bound', (t) => {
  const wall = { ms: START }
  const taken: Version[] = []
  let bound = 0
  const clock: HybridLogicalClock = clockAt(wall, {
    persistBound: (ms) => {
      if (bound > 0) {
        const v = clock.next(new Version())
        t.ok(v.wallMs < bound)
        taken.push(v)
      }
      bound = ms
    },
  })
  const v = clock.next(new Version())
  wall.ms += 11_000
  const after = clock.next(new Version())
  t.equal(taken.length, 1)
  t.ok(compareVersions(v, taken[0]!) < 0 && compareVersions(taken[0]!, after) < 0)
  wall.ms += 60_000
  t.throws(() => clock.next(v), { code: 'CLOCK_REENTERED' }, 'not above it')
  t.end()
})

t.test('bad options are bugs', (t) => {
  t.throws(() => clockAt({ ms: 0 }, { writerId: -1 }), { name: 'TypeError' })
  t.throws(() => clockAt({ ms: 0 }, { writerId: 2 ** 32 }), { name: 'TypeError' })
  t.throws(() => clockAt({ ms: 0 }, { boundMs: -1 }), { name: 'TypeError' })
  t.end()
})

t.test('nor is it by a clock that runs ahead of the wall, as after a crash', (t) => {
  const clock = clockAt({ ms: START }, { boundMs: START + 12_000 })
  const seen = new Set<string>()
  const ballot = clock.next(new Version())
  for (let i = 0; i < 0x20000; i++) {
    seen.add(String(i % 2 === 0 ? clock.above(ballot, ballot) : clock.next(ballot)))
  }
  t.equal(seen.size, 0x20000)
  t.end()
})

t.test('what is given above a ballot is not issued again', (t) => {
  const wall = { ms: START }
  const clock = clockAt(wall)
  const first = clock.next(new Version())
  const raised = clock.above(first, new Version())
  t.equal(String(raised), String(Version.of(START, 1, raisedWriterOf(WRITER))))
  t.equal(String(clock.next(new Version())), String(Version.of(START, 2, WRITER)), 'above both')
  const old = Version.of(START - 9, 0, 1)
  const own = raisedWriterOf(WRITER)
  t.equal(String(clock.above(old, old)), String(Version.of(START - 9, 0, own)), 'into the ballot itself')
  t.equal(String(clock.next(new Version())), String(Version.of(START, 3, WRITER)), 'and never back')
  const far = Version.of(START + 3_600_000, 5, WRITER)
  const above = String(clock.above(far, new Version()))
  t.equal(above, String(Version.of(START + 3_600_000, 6, own)))
  t.equal(String(clock.next(new Version())), String(Version.of(START, 4, WRITER)), 'too far to be adopted')
  wall.ms = START + 3_600_000
  for (let issued = 0; issued < 20; issued++) {
    t.not(String(clock.next(new Version())), above, 'nor when the wall gets there')
  }
  t.end()
})

t.test('what was issued or adopted last', async (t) => {
  const clock = new HybridLogicalClock({ writerId: 7, now: () => 1000 })
  const issued = clock.next(new Version())
  t.equal(compareVersions(clock.latest(new Version()), issued), 0)
  const seen = Version.of(1200, 3, 9)
  clock.observe(seen)
  const { wallMs, counter } = clock.latest(new Version())
  t.same([wallMs, counter], [1200, 3])
})

t.test('what was sent last is sent again where it is as late', async (t) => {
  const wall = { ms: START }
  const clock = clockAt(wall)
  const issued = clock.next(new Version())
  t.equal(clock.latestOr(issued), issued)
  const later = clock.next(new Version())
  t.equal(compareVersions(clock.latestOr(issued), later), 0)
  t.equal(compareVersions(issued, later) < 0, true, 'it was not changed')
})
