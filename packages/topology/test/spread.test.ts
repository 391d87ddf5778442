import fc from 'fast-check'
import t from 'tap'
import { createLayout, type Layout, type MemberLike, nextLayout, PARTITIONS } from '../src/index.ts'
import { copiesBetween, loadsOf, unfairness } from './shares.ts'

/** `'eu/a eu/b us'`: members by region and zone, named by their number. */
function cluster(text: string): MemberLike[] {
  return text.split(' ').map((place, i) => {
    const [region, zone = ''] = place.split('/')
    return { name: `node-${i + 1}:3000`, region: region!, zone }
  })
}

/** How many partitions have each set of labels. */
function patterns(layout: Layout, label: 'region' | 'zone'): Record<string, number> {
  const counts: Record<string, number> = {}
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const row = Array.from(layout.replicasOf(partition), (place) => layout.members[place]![label])
    const pattern = row.sort().join('')
    counts[pattern] = (counts[pattern] ?? 0) + 1
  }
  return counts
}

t.test('zones of equal size: one replica in each, or as few as can be', (t) => {
  const three = createLayout(cluster('r/a r/b r/c r/a r/b r/c r/a r/b r/c'))
  t.same(patterns(three, 'zone'), { abc: 1024 })
  t.ok(unfairness(three) <= 0.02)
  const four = createLayout(cluster('r/a r/b r/c r/d'))
  t.same(Object.keys(patterns(four, 'zone')).sort(), ['abc', 'abd', 'acd', 'bcd'])
  const two = createLayout(cluster('r/a r/a r/b r/b'))
  t.same(Object.keys(patterns(two, 'zone')).sort(), ['aab', 'abb'])
  t.ok(unfairness(two) <= 0.02)
  t.end()
})

t.test('zones of unequal size: equal shares first, then as many zones as that leaves', (t) => {
  const lone = createLayout(cluster('r/a r/a r/a r/b r/c'))
  t.ok(unfairness(lone) <= 0.02)
  t.notOk('aaa' in patterns(lone, 'zone'), 'no partition is in one zone only')
  const seven = createLayout(cluster('r/a r/a r/a r/b r/b r/b r/c'))
  t.ok(unfairness(seven) <= 0.02)
  const found = patterns(seven, 'zone')
  t.same(Object.keys(found).sort(), ['aab', 'abb', 'abc'], 'two of a zone only where the small one is full')
  t.ok(found['abc']! >= 430, `${found['abc']} of the 439 that the small zone can hold`)
  t.end()
})

t.test('federated: each region has its own replicas of everything', (t) => {
  const layout = createLayout(cluster('us/a eu/a us/b eu/b us/c eu/b asia asia eu/c us/c'))
  t.equal(layout.mode, 'federated')
  t.equal(layout.width, 3 + 3 + 2)
  t.same(patterns(layout, 'region'), { asiaasiaeueueuususus: 1024 })
  for (const [region, voters] of [
    ['asia', 2],
    ['eu', 3],
    ['us', 3],
  ] as const) {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const row = layout.votersOf(partition, region)
      const isRight = row.length === voters && row.every((place) => layout.members[place]!.region === region)
      if (!isRight) t.fail(`${region}, partition ${partition}: ${row}`)
    }
    const loads = loadsOf(layout).filter((_, place) => layout.members[place]!.region === region)
    const fair = (voters * PARTITIONS) / loads.length
    t.ok(
      loads.every((load) => Math.abs(load / fair - 1) <= 0.02),
      `${region}: ${loads}`,
    )
  }
  t.end()
})

t.test('federated: what changes in one region moves nothing in another', (t) => {
  const before = cluster('eu eu eu eu us us us us')
  const from = createLayout(before)
  const to = nextLayout(from, [...before, { name: 'node-9:3000', region: 'us' }])
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const names = (layout: Layout) =>
      Array.from(layout.votersOf(partition, 'eu'), (place) => layout.members[place]!.name)
    if (`${names(from)}` !== `${names(to)}`) t.fail(`partition ${partition}`)
  }
  t.ok(copiesBetween(from, to) <= 1.1 * ((3 * PARTITIONS) / 5))
  t.end()
})

t.test('stretched: one replica in each of three regions, whatever their sizes', (t) => {
  const layout = createLayout(cluster('a a a b c'), { mode: 'stretched' })
  t.same(patterns(layout, 'region'), { abc: 1024 })
  t.same(layout.votersOf(5, 'b'), layout.replicasOf(5), 'all vote')
  const [a1, a2, a3, b, c] = loadsOf(layout)
  t.same([b, c], [1024, 1024])
  t.ok([a1!, a2!, a3!].every((load) => Math.abs(load - 1024 / 3) < 5))
  t.same(patterns(createLayout(cluster('a a a a b'), { mode: 'stretched' }), 'region'), { aab: 1024 })
  const two = createLayout(cluster('a a b b'), { mode: 'stretched' })
  t.same(Object.keys(patterns(two, 'region')).sort(), ['aab', 'abb'])
  const zones = createLayout(cluster('a/x a/y b/x b/y b/y'), { mode: 'stretched' })
  t.notOk('xxx' in patterns(zones, 'region'))
  t.end()
})

t.test('stretched over fewer regions than replicas: no region is left out for a better zone', (t) => {
  const places = ['d', 'c', 'd', 'e', 'e', 'd', 'e', 'c/y']
  const after = cluster(places.join(' ')).map((member, i) => ({ ...member, name: `n${i}:1` }))
  const before = createLayout([{ name: 'n0:1', region: 'a' }], { mode: 'stretched', replicas: 4 })
  const found = Object.keys(patterns(nextLayout(before, after), 'region'))
  t.same(
    found.filter((pattern) => !/^c+d+e+$/.test(pattern)),
    [],
  )
  t.end()
})

t.test(
  'any regions and zones: rows of different members, in as many regions as there can be, within the cap',
  (t) => {
    const place = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.constantFrom('', 'x', 'y', 'z'))
    const any = fc.record({
      before: fc.array(place, { minLength: 1, maxLength: 10 }),
      after: fc.array(place, { minLength: 1, maxLength: 10 }),
      replicas: fc.integer({ min: 1, max: 5 }),
      mode: fc.constantFrom('federated' as const, 'stretched' as const),
    })
    const listOf = (places: string[][]) =>
      places.map(([region, zone], i) => ({ name: `n${i}:1`, region: region!, zone: zone! }))
    fc.assert(
      fc.property(any, ({ before, after, replicas, mode }) => {
        const first = createLayout(listOf(before), { replicas, mode })
        for (const layout of [first, nextLayout(first, listOf(after))]) {
          const regions = new Set(layout.members.map(({ region }) => region)).size
          for (let partition = 0; partition < PARTITIONS; partition++) {
            const row = layout.replicasOf(partition)
            if (new Set(row).size !== layout.width) return false
            const reached = new Set(Array.from(row, (place) => layout.members[place]!.region)).size
            if (reached !== (mode === 'federated' ? regions : Math.min(regions, layout.width))) return false
          }
          const isOneGroup = regions === 1
          const cap = Math.ceil(layout.table.length / layout.members.length)
          // Zones come before shares.
          const most = cap + Math.max(2, Math.floor(cap * 0.02))
          if (isOneGroup && loadsOf(layout).some((load) => load > most)) return false
        }
        return true
      }),
      { numRuns: 60 },
    )
    t.pass()
    t.end()
  },
)
