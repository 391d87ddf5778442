/**
 * What a replica holds of a key. Order is by *ballot*; identity, what a client compares, is *version*. The
 * two are equal, but for a record that was accepted again by somebody who finished another's work: its ballot
 * rises, its version stays. Ballots, versions and request ids are one space (`Version` of @minivault/clock).
 * Records and the versions in them are never changed once they are made.
 */
import { compareVersions, Version } from '@minivault/clock'

/** The value as the core sees it: a reference. The bytes pass by whoever sends and stores. */
export interface Value {
  readonly bytes: number
}

export interface HeldRecord {
  readonly ballot: Version
  readonly version: Version
  /** The request that made it. */
  readonly request: Version
  /** Null: a tombstone. Undefined: there is one, it was not asked for. */
  readonly value: Value | null | undefined
  /** Wall milliseconds from which on it is a tombstone; 0: never. */
  readonly expiresAtMs: number
  /** What an increment came to. */
  readonly sum: bigint | null
}

/** As far as the order goes. */
export type Placed = Pick<HeldRecord, 'ballot'>

export const ZERO: Version = new Version()

/** Nothing was ever written, or what was is released up to `floor`. */
export function absentAt(floor: Version): HeldRecord {
  return { ballot: floor, version: ZERO, request: ZERO, value: null, expiresAtMs: 0, sum: null }
}

export const NEVER: HeldRecord = absentAt(ZERO)

export function isAbsent(record: HeldRecord): boolean {
  return record.version.isZero()
}

/**
 * The same place in the order. Two absences are, whatever their floors; so are an absence and a tombstone
 * that its floor stands for.
 */
export function isSame(a: HeldRecord, b: HeldRecord): boolean {
  if (isAbsent(a)) return isAbsent(b) || (b.value === null && !isAbove(b.ballot, a.ballot))
  return isAbsent(b) ? isSame(b, a) : isEqual(a.ballot, b.ballot)
}

/**
 * Of two regions the last writer wins, and that is told by versions: a ballot rises, too, where an old record
 * is accepted again. What is released by a floor is told by ballots.
 */
export function isLater(a: HeldRecord, b: HeldRecord): boolean {
  const isByBallot = isAbsent(a) || isAbsent(b) || isEqual(a.version, b.version)
  return isByBallot ? isAbove(a.ballot, b.ballot) : isAbove(a.version, b.version)
}

/** Accepted anew under a later ballot than it was written under. */
export function isRaised({ ballot, version }: HeldRecord): boolean {
  return isAbove(ballot, version)
}

export function isAbove(a: Version, b: Version): boolean {
  return compareVersions(a, b) > 0
}

export function isBelow(a: Version, b: Version): boolean {
  return compareVersions(a, b) < 0
}

export function isEqual(a: Version, b: Version): boolean {
  return compareVersions(a, b) === 0
}

export function higher(a: Version, b: Version): Version {
  return isBelow(a, b) ? b : a
}

/** What is still known of a record of this request that was overwritten. */
export function recordOf(
  { ballot, version, sum }: Pick<HeldRecord, 'ballot' | 'version' | 'sum'>,
  request: Version,
): HeldRecord {
  return { ballot, version, request, value: undefined, expiresAtMs: 0, sum }
}
