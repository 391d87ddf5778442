/** What the tests ask about layouts: who holds what, how even that is, how much moved. */
import fc from 'fast-check'
import { type Layout, type MemberLike, PARTITIONS } from '../src/index.ts'

/** Names of the replicas of each partition. */
export function rowsOf(layout: Layout): string[][] {
  return Array.from({ length: PARTITIONS }, (_, partition) => {
    return Array.from(layout.replicasOf(partition), (place) => layout.members[place]!.name)
  })
}

export function loadsOf(layout: Layout): number[] {
  const loads = layout.members.map(() => 0)
  for (const place of layout.table) loads[place]! += 1
  return loads
}

/** The greatest distance of a share from the fair one, as a part of it. */
export function unfairness(layout: Layout): number {
  const fair = layout.table.length / layout.members.length
  return Math.max(...loadsOf(layout).map((load) => Math.abs(load / fair - 1)))
}

/** Replicas in `to` that are not where they were in `from`. */
export function copiesBetween(from: Layout, to: Layout): number {
  const before = rowsOf(from)
  return rowsOf(to).reduce((sum, row, partition) => {
    return sum + row.filter((name) => !before[partition]!.includes(name)).length
  }, 0)
}

export function local(count: number): MemberLike[] {
  return Array.from({ length: count }, (_, i) => ({ name: `localhost:${3001 + i}` }))
}

const host = fc.oneof(fc.domain(), fc.ipV4(), fc.stringMatching(/^node-?[0-9]{1,3}$/))
const name = fc
  .tuple(fc.constantFrom('', 'http://', 'https://'), host, fc.integer({ min: 1, max: 65_535 }))
  .map(([scheme, host, port]) => `${scheme}${host}:${port}`)

/** `count` members with names of all forms. */
export function members(count: number): fc.Arbitrary<MemberLike[]> {
  return fc
    .uniqueArray(name, { minLength: count, maxLength: count, selector: (name) => name.toLowerCase() })
    .map((names) => names.map((name) => ({ name })))
}
