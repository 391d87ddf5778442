/** A key as the core knows it, with its bytes. */
import type { Key } from '@minivault/cluster'
import { hashKey, KeyHash } from '@minivault/codec'
import { partitionOf } from '@minivault/topology'
import { keepBytes } from './kept-bytes.ts'

/** The eight bits of the hash behind those that name the partition. */
const LEAF_SHIFT = 14
const LEAF_MASK = 0xff
/** Of a partition. */
export const LEAVES = LEAF_MASK + 1

/** Read before it is used again. */
const scratch = new KeyHash()

export class MemberKey implements Key {
  /** The whole of it. */
  readonly bytes: Uint8Array
  readonly high: number
  readonly low: number
  readonly partition: number
  readonly leaf: number
  #id: string | null = null

  private constructor(bytes: Uint8Array, { high, low }: KeyHash) {
    this.bytes = bytes
    this.high = high
    this.low = low
    this.partition = partitionOf({ high })
    this.leaf = (high >>> LEAF_SHIFT) & LEAF_MASK
  }

  /** A copy of bytes[start, end), which have this hash. */
  static of(bytes: Uint8Array, start: number, end: number, hash: KeyHash): MemberKey {
    return new MemberKey(keepBytes(bytes, start, end), hash)
  }

  static hashed(bytes: Uint8Array, start: number, end: number): MemberKey {
    return MemberKey.of(bytes, start, end, hashKey(bytes, start, end, scratch))
  }

  /** Made when it is asked for, which is seldom. */
  get id(): string {
    const { buffer, byteOffset, length } = this.bytes
    this.#id ??= Buffer.from(buffer, byteOffset, length).toString('latin1')
    return this.#id
  }
}

/** Under which the layout that follows is decided: no client's, for theirs have a byte at least. */
export const LAYOUTS_KEY = MemberKey.hashed(new Uint8Array(0), 0, 0)
