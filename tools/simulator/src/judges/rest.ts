/**
 * What must hold once nothing fails any more. Judge `liveness`: every read on every member is answered.
 * Judge `convergence`: after what differs was pushed once more, all replicas hold the same, byte for byte.
 */
import { type HeldRecord, isEqual, type Standing } from '@minivault/cluster'
import { numberOf } from '../world/operation.ts'
import { memberName, type World } from '../world/world.ts'
import { type KeyHistory, nameOf } from './key-history.ts'

/** Empty: all were answered. */
export function judgeLiveness({ operations }: KeyHistory, members: number): string {
  const final = operations.filter(({ start }) => start.isFinal)
  const silent = final.find(({ ending }) => ending !== 'ok')
  if (silent !== undefined) return `${nameOf(silent)}, after the last fault, ended in ${silent.ending}`
  return final.length === 2 * members ? '' : `${final.length} final reads of ${2 * members}`
}

/** Empty: they are equal. */
export function judgeConvergence({ members, keys, brokenComparisons }: World, key: number): string {
  if (brokenComparisons > 0) return `${brokenComparisons} comparisons were given up`
  const standings = members.map((member) => member.find(keys[key]!))
  const [first, ...others] = standings as [Standing, ...Standing[]]
  const index = others.findIndex((other) => !isIdentical(first.record, other.record))
  if (index < 0) return ''
  const text = ({ record }: Standing) => (record === null ? 'nothing' : recordText(record))
  return `A holds ${text(first)}, ${memberName(index + 1)} ${text(others[index]!)}`
}

function isIdentical(a: HeldRecord | null, b: HeldRecord | null): boolean {
  if (a === null || b === null) return a === b
  const isSameVersion = isEqual(a.ballot, b.ballot) && isEqual(a.version, b.version)
  return isSameVersion && isEqual(a.request, b.request) && a.sum === b.sum && hasSameValue(a, b)
}

function hasSameValue(a: HeldRecord, b: HeldRecord): boolean {
  return numberOf(a) === numberOf(b) && a.expiresAtMs === b.expiresAtMs
}

function recordText(record: HeldRecord): string {
  return `${numberOf(record)}@${record.ballot}`
}
