/** A page of a scan over what a member of a trio holds, as a store would fill it. */
import { NEVER } from '@minivault/cluster'
import { decompress } from '@minivault/codec'
import type { MemberKey } from '../../src/cluster/member-key.ts'
import type { MemberValue } from '../../src/cluster/member-value.ts'
import type { ScanQuery } from '../../src/key-value.ts'
import type { MemoryReplica } from './memory-replica.ts'

export function memoryPage(replica: MemoryReplica, query: ScanQuery, wallMs: number): string | null {
  const { prefix, reverse, cursor, entriesMax } = query
  const last = cursor === '' ? null : Buffer.from(cursor, 'hex')
  const all = ([...replica.keys()] as MemberKey[])
    .filter(({ bytes }) => bytes.length > 0 && Buffer.from(bytes).subarray(0, prefix.length).equals(prefix))
    .filter(({ bytes }) => isWithin(bytes, query))
    .filter(({ bytes }) => last === null || Buffer.compare(bytes, last) * (reverse ? -1 : 1) > 0)
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes) * (reverse ? -1 : 1))
  let count = 0
  let next = cursor
  for (const key of all) {
    const { value: held, version, expiresAtMs } = replica.find(key).record ?? NEVER
    if (!held || (expiresAtMs !== 0 && expiresAtMs <= wallMs)) continue
    const { codec, data, rawBytes, type } = held as MemberValue
    const value = query.keysOnly ? new Uint8Array(0) : decompress(codec, data, rawBytes)
    if (count === entriesMax) return next
    if (!query.take({ key: key.bytes, value, version: version.toString(), type, expiresAtMs })) return next
    count += 1
    next = Buffer.from(key.bytes).toString('hex')
  }
  return null
}

function isWithin(key: Uint8Array, { from, fromExclusive, to, toInclusive }: ScanQuery): boolean {
  const behind = from === null ? 1 : Buffer.compare(key, from)
  const before = to === null ? -1 : Buffer.compare(key, to)
  return (fromExclusive ? behind > 0 : behind >= 0) && (toInclusive ? before <= 0 : before < 0)
}
