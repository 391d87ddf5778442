/**
 * What must hold once nothing fails any more. Judge `liveness`: every read on every member is answered.
 * Judge `convergence`: after what differs was pushed once more, all replicas hold the same, byte for byte.
 */
import { type HeldRecord, isAbove, isEqual } from '@minivault/cluster'
import type { Held } from '../world/held.ts'
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
export function judgeConvergence({ heldAtRest, brokenComparisons }: World, key: number): string {
  if (brokenComparisons > 0) return `${brokenComparisons} comparisons were given up`
  const [first, ...others] = heldAtRest[key]!
  if (first === undefined) return ''
  const other = others.find((one) => !isIdentical(first, one) && !isIdentical(one, first))
  if (other === undefined) return ''
  const texts = [first, other].map((held) => `${memberName(held.member)} ${heldText(held)}`)
  return `differently held: ${texts.join(', ')}`
}

/** A tombstone is nothing where the other has released it. */
function isIdentical({ record: a, floor }: Held, { record: b }: Held): boolean {
  if (a === null) return b === null || (isDead(b) && !isAbove(b.ballot, floor))
  if (b === null) return false
  const isSameVersion = isEqual(a.ballot, b.ballot) && isEqual(a.version, b.version)
  return isSameVersion && isEqual(a.request, b.request) && a.sum === b.sum && hasSameValue(a, b)
}

function isDead({ value, expiresAtMs }: HeldRecord): boolean {
  return value === null || expiresAtMs > 0
}

function hasSameValue(a: HeldRecord, b: HeldRecord): boolean {
  return numberOf(a) === numberOf(b) && a.expiresAtMs === b.expiresAtMs
}

function heldText({ record, floor }: Held): string {
  return record === null ? `nothing above ${floor}` : `${numberOf(record)}@${record.ballot}`
}
