/** What the open of a store knows of its records, without reading them. */
import { Version } from '@minivault/clock'
import type { Outline } from '@minivault/cluster'
import { hashKey, KeyHash } from '@minivault/codec'
import { type RecordDoor, SPACE } from '@minivault/storage'
import { MemberKey } from '../member-key.ts'

export interface OutlineOfKey extends Outline {
  readonly key: MemberKey
}

/** All records of the user's space. */
export function* walkRecords(records: RecordDoor): Iterable<OutlineOfKey> {
  const hash = new KeyHash()
  const walk = records.walk(SPACE.user)
  for (let entry = walk.next(); entry !== null && entry.space === SPACE.user; entry = walk.next()) {
    const { bytes, keyStart, keyEnd, ballot, isTombstone, expiresAtMs } = entry
    hashKey(bytes, keyStart, keyEnd, hash)
    const key = MemberKey.of(bytes, keyStart, keyEnd, hash)
    yield { key, ballot: new Version().copy(ballot), isTombstone, expiresAtMs }
  }
}

export interface RestOfStore {
  onPromise(key: MemberKey, ballot: Version): void
  /** A key of metadata. */
  onName(name: string): void
}

/** All promises and metadata. */
export function walkRest(records: RecordDoor, { onPromise, onName }: RestOfStore): void {
  const names: string[] = []
  const walk = records.walk(SPACE.promise)
  for (let entry = walk.next(); entry !== null; entry = walk.next()) {
    const { space, bytes, keyStart, keyEnd, ballot } = entry
    if (space === SPACE.promise)
      onPromise(MemberKey.hashed(bytes, keyStart, keyEnd), new Version().copy(ballot))
    if (space === SPACE.meta) names.push(Buffer.from(bytes.subarray(keyStart, keyEnd)).toString())
  }
  for (const name of names) onName(name)
}
