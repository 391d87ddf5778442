import fc from 'fast-check'
import t from 'tap'
import {
  createLayout,
  type LayoutOptions,
  type MemberLike,
  nextLayout,
  PARTITIONS,
  planMoves,
} from '../src/index.ts'
import { copiesBetween, loadsOf, local, rowsOf } from './shares.ts'

function inRegions(text: string): MemberLike[] {
  return text.split(' ').map((region, i) => ({ name: `n${i}:1`, region }))
}

t.test('a join: only the new member gains, from those who stay', (t) => {
  const from = createLayout(local(4))
  const to = nextLayout(from, local(5))
  const plan = planMoves(from, to)
  t.same([plan.fromEpoch, plan.toEpoch], [1, 2])
  t.equal(plan.copies, copiesBetween(from, to))
  t.same(
    plan.members.map(({ member }) => member),
    local(5).map(({ name }) => name),
  )
  t.same(
    plan.members.map(({ before }) => before),
    [...loadsOf(from), 0],
  )
  t.same(
    plan.members.map(({ after }) => after),
    loadsOf(to),
  )
  const joined = plan.members.at(-1)!
  t.same([joined.gains, joined.losses], [joined.after, 0])
  const [move] = plan.partitions.filter(({ gains }) => gains[0]?.member === 'localhost:3005')
  t.ok(move)
  const { partition, gains, losses } = move!
  const old = rowsOf(from)[partition]!
  t.equal(losses.length, 1)
  t.same(
    gains[0]!.sources,
    [...old.filter((name) => name !== losses[0]), losses[0]],
    'who leaves is asked last',
  )
  t.same(plan.writersOf(partition), [...old, 'localhost:3005'])
  t.end()
})

t.test('a removal: who is gone loses everything, and is still the last one to copy from', (t) => {
  const from = createLayout(local(5))
  const plan = planMoves(from, nextLayout(from, local(5).slice(1)))
  const removed = plan.members[0]!
  t.same(removed, {
    member: 'localhost:3001',
    before: removed.before,
    after: 0,
    gains: 0,
    losses: removed.before,
  })
  for (const { gains, losses } of plan.partitions) {
    for (const { sources } of gains)
      if (!losses.includes(sources[2]!)) t.fail('a source that stays is asked last')
  }
  t.end()
})

t.test('no change, no plan; an older layout is none', (t) => {
  const layout = createLayout(local(4))
  const same = nextLayout(layout, local(4))
  const plan = planMoves(layout, same)
  t.same([plan.partitions, plan.copies], [[], 0])
  t.same(plan.writersOf(9), rowsOf(layout)[9])
  t.throws(() => planMoves(same, layout), { code: 'TOPOLOGY_BAD_EPOCH', message: /2|1/ })
  t.throws(() => planMoves(layout, layout), { code: 'TOPOLOGY_BAD_EPOCH' })
  t.end()
})

t.test('more replicas where there were too few members: nobody loses anything', (t) => {
  const one = createLayout(local(1))
  const plan = planMoves(one, nextLayout(one, local(3)))
  t.equal(plan.copies, 2 * PARTITIONS)
  t.ok(plan.partitions.every(({ losses }) => losses.length === 0))
  t.ok(plan.partitions.every(({ gains }) => gains.every(({ sources }) => `${sources}` === 'localhost:3001')))
  t.end()
})

t.test(
  'federated: copies come from the own region, be it from one who leaves; a new region asks all',
  (t) => {
    const before = inRegions('eu eu eu us us us us')
    const from = createLayout(before)
    const plan = planMoves(from, nextLayout(from, [...before.slice(0, 6), { name: 'n9:1', region: 'us' }]))
    const regions = new Map(from.members.map(({ name, region }) => [name, region]))
    t.ok(plan.partitions.length > 0)
    for (const { gains, losses } of plan.partitions) {
      for (const { sources } of gains) {
        const near = sources.map((name) => regions.get(name)).join(' ')
        if (near !== 'us us us eu eu eu') t.fail(near)
        if (losses.length > 0 && !losses.includes(sources[2]!)) t.fail(`${sources}`)
      }
    }
    const asia = planMoves(from, nextLayout(from, [...before, { name: 'n9:1', region: 'asia' }]))
    t.equal(asia.copies, PARTITIONS)
    t.ok(asia.partitions.every(({ gains }) => gains[0]!.member === 'n9:1' && gains[0]!.sources.length === 6))
    t.end()
  },
)

t.test('stretched: a source that stays, the near one first', (t) => {
  const before = inRegions('a a b c')
  const from = createLayout(before, { mode: 'stretched', replicas: 3 })
  const to = nextLayout(from, [...before.slice(0, 3), { name: 'n9:1', region: 'c' }])
  const plan = planMoves(from, to)
  t.equal(plan.copies, PARTITIONS, 'the lone member of c is replaced')
  for (const { gains, losses } of plan.partitions) {
    const { sources } = gains[0]!
    if (`${losses}` !== 'n3:1' || sources[2] !== 'n3:1') t.fail(`${losses}, ${sources}`)
  }
  t.end()
})

t.test('any change: applying the plan to the old table gives the new one; writers are old and new', (t) => {
  const list = fc
    .uniqueArray(fc.tuple(fc.nat({ max: 7 }), fc.constantFrom('a', 'b')), {
      minLength: 1,
      maxLength: 6,
      selector: ([number]) => number,
    })
    .map((places) => places.map(([number, region]) => ({ name: `n${number}:1`, region })))
  const options: fc.Arbitrary<LayoutOptions> = fc.record({
    mode: fc.constantFrom('federated' as const, 'stretched' as const),
    replicas: fc.integer({ min: 1, max: 4 }),
  })
  fc.assert(
    fc.property(list, list, options, (before, after, options) => {
      const from = createLayout(before, options)
      const to = nextLayout(from, after)
      const plan = planMoves(from, to)
      const rows = rowsOf(from).map((row) => new Set(row))
      const wanted = rowsOf(to)
      for (const { partition, gains, losses } of plan.partitions) {
        const old = [...rows[partition]!].sort()
        for (const { sources } of gains) if (`${[...sources].sort()}` !== `${old}`) return false
        for (const { member } of gains) rows[partition]!.add(member)
        const writers = [...plan.writersOf(partition)]
        if (`${writers.sort()}` !== `${[...rows[partition]!].sort()}`) return false
        for (const member of losses) rows[partition]!.delete(member)
      }
      const moved = plan.partitions.reduce((sum, { gains }) => sum + gains.length, 0)
      if (moved !== plan.copies || plan.copies !== copiesBetween(from, to)) return false
      for (const { before, after, gains, losses } of plan.members)
        if (before + gains - losses !== after) return false
      return rows.every((row, partition) => `${[...row].sort()}` === `${wanted[partition]!.sort()}`)
    }),
    { numRuns: 60 },
  )
  t.pass()
  t.end()
})
