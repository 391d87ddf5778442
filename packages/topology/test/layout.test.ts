import fc from 'fast-check'
import t from 'tap'
import {
  createLayout,
  encodeLayout,
  type Layout,
  type MemberLike,
  nextLayout,
  PARTITIONS,
  partitionOf,
  REGION_DEFAULT,
} from '../src/index.ts'
import { EPOCH_MAX } from '../src/limits.ts'
import { copiesBetween, local, members, rowsOf, unfairness } from './shares.ts'

t.test('the partition is the upper ten bits of the hash', (t) => {
  t.equal(partitionOf({ high: 0 }), 0)
  t.equal(partitionOf({ high: 0x003fffff }), 0)
  t.equal(partitionOf({ high: 0x00400000 }), 1)
  t.equal(partitionOf({ high: 0x12345678 }), 0x12345678 >> 22)
  t.equal(partitionOf({ high: 0x7fffffff }), 511)
  t.equal(partitionOf({ high: 0x80000000 | 0 }), 512, 'the half is an int32')
  t.equal(partitionOf({ high: -1 }), PARTITIONS - 1)
  t.end()
})

t.test(
  '3 to 9 members: shares within 2 % of fair, a join or a removal moves at most 1.1 times its share',
  (t) => {
    t.comment(
      'members  unfair %  join, removal (x minimum)   names localhost:3001 …, then the worst of random ones',
    )
    for (let count = 3; count <= 9; count++) {
      const figures = measure(local(count + 1))
      const worst = { unfair: 0, join: 0, removal: 0 }
      fc.assert(
        fc.property(members(count + 1), fc.nat(), (list, which) => {
          const random = measure(list, which % list.length)
          for (const key of ['unfair', 'join', 'removal'] as const) {
            worst[key] = Math.max(worst[key], random[key])
          }
        }),
        { numRuns: 12 },
      )
      for (const { unfair, join, removal } of [figures, worst]) {
        t.ok(unfair <= 0.02, `${count}: shares`)
        t.ok(join <= 1.1 && removal <= 1.1, `${count}: moves`)
      }
      const show = ({ unfair, join, removal }: typeof worst) =>
        `${(unfair * 100).toFixed(2)}  ${join.toFixed(3)}  ${removal.toFixed(3)}`
      t.comment(`${count}        ${show(figures)}        ${show(worst)}`)
    }
    t.end()

    function measure(list: MemberLike[], joining = list.length - 1) {
      const without = list.filter((_, i) => i !== joining)
      const before = createLayout(without)
      const joined = nextLayout(before, list)
      const removed = nextLayout(joined, without)
      const fair = joined.table.length / list.length
      return {
        unfair: Math.max(...[before, joined, removed, createLayout(list)].map(unfairness)),
        join: copiesBetween(before, joined) / fair,
        removal: copiesBetween(joined, removed) / fair,
      }
    }
  },
)

t.test('a cluster that grows from one to nine and shrinks again stays fair and moves little', (t) => {
  const all = local(9)
  let layout = createLayout(all.slice(0, 1))
  t.equal(layout.width, 1)
  let most = 0
  for (const count of [2, 3, 4, 5, 6, 7, 8, 9, 8, 7, 6, 5, 4, 3]) {
    // It shrinks from the other end, so that nobody comes back to where he was.
    const next = nextLayout(
      layout,
      layout.members.length < count ? all.slice(0, count) : all.slice(9 - count),
    )
    t.equal(next.epoch, layout.epoch + 1)
    t.equal(next.width, Math.min(3, count))
    t.ok(unfairness(next) <= 0.02, `${count} members: ${(unfairness(next) * 100).toFixed(2)} % off`)
    const least = (3 * PARTITIONS) / Math.max(layout.members.length, count)
    if (Math.min(layout.members.length, count) >= 3)
      most = Math.max(most, copiesBetween(layout, next) / least)
    layout = next
  }
  t.ok(most <= 1.1, `at most ${most.toFixed(3)} times the minimum`)
  t.end()
})

t.test('a layout follows from its members, in whatever order they are listed', (t) => {
  const any = fc.integer({ min: 1, max: 9 }).chain((count) => members(count))
  fc.assert(
    fc.property(any, fc.infiniteStream(fc.nat()), (list, numbers) => {
      const shuffled = list
        .map((member) => ({ member, at: numbers.next().value as number }))
        .sort((a, b) => a.at - b.at)
        .map(({ member }) => ({ ...member, name: member.name.toUpperCase() }))
      const from = createLayout(local(3))
      t.same(createLayout(shuffled), createLayout(list))
      t.equal(hexOf(createLayout(shuffled)), hexOf(createLayout(list)))
      t.equal(hexOf(nextLayout(from, shuffled)), hexOf(nextLayout(from, list)))
    }),
    { numRuns: 20 },
  )
  const same = createLayout(local(7))
  t.equal(copiesBetween(same, nextLayout(same, local(7))), 0, 'no change, no move')
  t.end()
})

t.test('the placement of local members is the one it was', (t) => {
  const five = createLayout(local(5))
  const rows = rowsOf(five).slice(0, 4)
  t.same(
    rows.map((row) => row.map((name) => name.slice(-1)).join('')),
    ['451', '534', '135', '253'],
  )
  // The checksum at the end of the form stands for the whole table.
  const crcOf = (layout: Layout) => Buffer.from(encodeLayout(layout).slice(-4)).toString('hex')
  t.equal(crcOf(five), '7f193e4c')
  t.equal(crcOf(nextLayout(five, local(6))), '91c0caec')
  t.end()
})

t.test('the home stays while it has a member, and is never one that has none', (t) => {
  const eu = ['b:1', 'c:1'].map((name) => ({ name, region: 'eu' }))
  const us = ['a:1', 'd:1'].map((name) => ({ name, region: 'us' }))
  const all = [...eu, ...us]
  t.equal(createLayout(all).home, 'us', 'of the first by name')
  t.equal(createLayout(local(3)).home, REGION_DEFAULT)
  const first = createLayout(all, { home: 'eu' })
  t.equal(nextLayout(first, [...us, eu[1]!]).home, 'eu')
  t.equal(nextLayout(first, us).home, 'us')
  t.equal(createLayout(all, { mode: 'stretched', home: 'eu' }).home, '', 'stretched, all decide')
  t.equal(nextLayout(createLayout(all, { mode: 'stretched' }), us).home, '')
  t.throws(() => createLayout(all, { home: 'ap' }), { code: 'TOPOLOGY_NO_REGION' })
  t.end()
})

t.test('every row names different members, the preferred first; few members hold everything', (t) => {
  for (let count = 1; count <= 12; count++) {
    const layout = createLayout(local(count))
    for (const row of rowsOf(layout)) if (new Set(row).size !== Math.min(3, count)) t.fail(`${count}: ${row}`)
    const first = layout.members.map(() => 0)
    for (let p = 0; p < PARTITIONS; p++) first[layout.replicasOf(p)[0]!]! += 1
    const fair = PARTITIONS / count
    t.ok(
      first.every((n) => Math.abs(n / fair - 1) < 0.35),
      `${count}: each is often the first`,
    )
  }
  t.end()
})

t.test('views: rows, voters, places', (t) => {
  const layout = createLayout(local(4))
  t.equal(layout.replicasOf(7), layout.replicasOf(7), 'made once')
  t.equal(layout.replicasOf(7).buffer, layout.table.buffer, 'of the table')
  t.equal(layout.placeOf('localhost:3003'), 2)
  t.equal(layout.placeOf('localhost:3009'), -1)
  t.throws(() => layout.votersOf(0, 'mars'), { code: 'TOPOLOGY_NO_REGION' })
  t.end()
})

t.test('what cannot be laid out', (t) => {
  for (const replicas of [0, 8, 1.5, Number.NaN]) {
    t.throws(() => createLayout(local(3), { replicas }), { code: 'TOPOLOGY_BAD_REPLICAS' })
  }
  t.equal(createLayout(local(9), { replicas: 7 }).width, 7)
  const last = Object.assign(Object.create(createLayout(local(1))), { epoch: EPOCH_MAX }) as Layout
  t.throws(() => nextLayout(last, local(2)), { code: 'TOPOLOGY_BAD_EPOCH' })
  t.throws(() => nextLayout(createLayout(local(1)), []), { code: 'TOPOLOGY_BAD_MEMBERS' })
  t.end()
})

t.test('a layout of nine costs little', (t) => {
  createLayout(local(9))
  const runs = 5
  const before = process.cpuUsage()
  for (let i = 0; i < runs; i++) nextLayout(createLayout(local(9)), local(9))
  const { user, system } = process.cpuUsage(before)
  const ms = (user + system) / 1000 / runs / 2
  t.ok(ms <= 50, `${ms.toFixed(1)} ms of CPU`)
  t.comment(`${ms.toFixed(1)} ms of CPU`)
  t.end()
})

function hexOf(layout: Layout): string {
  return Buffer.from(layout.table.slice().buffer).toString('hex')
}
