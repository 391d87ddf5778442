/**
 * The lists of several members as one, up to where all of them have come: in their order each key once, with
 * the version that a majority of those who hold it agree on.
 */
import type { KeyList, ListEntry, Placement } from '@minivault/cluster'
import { MemberKey } from '../member-key.ts'

export interface Candidate {
  readonly key: MemberKey
  /** Null: they do not agree, or too few of them are among those heard. */
  readonly version: string | null
}

export interface MergedLists {
  readonly candidates: readonly Candidate[]
  /** The last key up to which all have been heard; null: to the end. */
  readonly upTo: Uint8Array | null
}

export function mergeLists(
  lists: ReadonlyMap<number, Pick<KeyList, 'entries' | 'isEnd'>>,
  placement: Placement,
  reverse: boolean,
): MergedLists {
  const isBefore = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) * (reverse ? -1 : 1) < 0
  let upTo: Uint8Array | null = null
  for (const { entries, isEnd } of lists.values()) {
    const last = entries.at(-1)
    if (!isEnd && last !== undefined && (upTo === null || isBefore(last.key, upTo))) upTo = last.key
  }
  const readers = [...lists].map(([member, { entries }]) => ({ member, entries, at: 0 }))
  const candidates: Candidate[] = []
  for (;;) {
    let first: Uint8Array | null = null
    for (const { entries, at } of readers) {
      const next = entries[at]
      if (next !== undefined && (first === null || isBefore(next.key, first))) first = next.key
    }
    if (first === null || (upTo !== null && isBefore(upTo, first))) return { candidates, upTo }
    const held = new Map<number, string>()
    for (const reader of readers) {
      const entry: ListEntry | undefined = reader.entries[reader.at]
      if (entry === undefined || Buffer.compare(entry.key, first) !== 0) continue
      held.set(reader.member, entry.version)
      reader.at += 1
    }
    candidates.push(candidateOf(first, held, placement))
  }
}

function candidateOf(bytes: Uint8Array, held: ReadonlyMap<number, string>, placement: Placement): Candidate {
  const key = MemberKey.hashed(bytes, 0, bytes.length)
  const electorate = placement.electorateOf(key.partition)
  for (const version of new Set(held.values())) {
    let bits = 0
    for (const [position, member] of electorate.members.entries()) {
      if (held.get(member) === version) bits |= 1 << position
    }
    if (electorate.isQuorum(bits)) return { key, version }
  }
  return { key, version: null }
}
