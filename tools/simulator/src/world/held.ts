/** What a replica holds of a key. */
import type { HeldRecord, Key, Version } from '@minivault/cluster'
import type { Member } from './member.ts'

export interface Held {
  readonly member: number
  readonly record: HeldRecord | null
  /** What stands for nothing. */
  readonly floor: Version
}

export function heldBy(member: Member, key: Key): Held {
  return { member: member.number, record: member.find(key).record, floor: member.floorOf(key) }
}
