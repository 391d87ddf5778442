/** Where what stands under a key of the core lies in the store. */
import { type Mutation, SPACE } from '@minivault/storage'
import { MemberKey } from '../member-key.ts'

export type RecordSpace = typeof SPACE.user | typeof SPACE.promise

/** What is decided about layouts, among the metadata. */
const LAYOUTS_RECORD = metadataKey('next-layout')
const LAYOUTS_PROMISE = metadataKey('next-layout/promise')

export function isLayouts({ bytes }: MemberKey): boolean {
  return bytes.length === 0
}

export function placeOf(key: MemberKey, space: RecordSpace): MemberKey {
  if (key.bytes.length > 0) return key
  return space === SPACE.user ? LAYOUTS_RECORD : LAYOUTS_PROMISE
}

export function spaceOf(key: MemberKey, space: RecordSpace): number {
  return key.bytes.length > 0 ? space : SPACE.meta
}

/** Points a mutation to it. */
export function aim(mutation: Mutation, key: MemberKey, space: RecordSpace): void {
  const { bytes, high, low } = placeOf(key, space)
  mutation.space = spaceOf(key, space)
  mutation.key = bytes
  mutation.keyEnd = bytes.length
  mutation.hash.high = high
  mutation.hash.low = low
}

function metadataKey(name: string): MemberKey {
  const bytes = Buffer.from(name)
  return MemberKey.hashed(bytes, 0, bytes.length)
}
