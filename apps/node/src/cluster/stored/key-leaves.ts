/**
 * Which keys stand in which leaf of which partition, in memory: a store keeps keys in the order of their
 * bytes, and a comparison asks for those of a leaf. Of each partition the keys' bytes lie in one array, those
 * of a leaf linked from the newest to the oldest; about the key's length and six bytes each.
 *
 *     entry: link u32 (where the next one of the leaf begins, + 1; 0: that was all) · length u16 · bytes
 */
import { PARTITIONS } from '@minivault/topology'
import { LAYOUTS_KEY, MemberKey } from '../member-key.ts'

const LEAVES = 256
const HEADER_BYTES = 6
const BYTES_MIN = 1024

export class KeyLeaves {
  readonly #partitions: (PartitionKeys | undefined)[] = new Array(PARTITIONS).fill(undefined)

  /** A key that is not in it. */
  add({ partition, leaf, bytes }: MemberKey): void {
    this.#partitions[partition] ??= new PartitionKeys()
    this.#partitions[partition].add(leaf, bytes, 0, bytes.length)
  }

  remove({ partition, leaf, bytes }: MemberKey): void {
    this.#partitions[partition]?.remove(leaf, bytes)
  }

  /** How many. */
  countIn(partition: number): number {
    return this.#partitions[partition]?.count ?? 0
  }

  keysIn(partition: number, leaf: number): MemberKey[] {
    return this.#partitions[partition]?.keysIn(leaf) ?? []
  }

  clear(): void {
    this.#partitions.fill(undefined)
  }

  /** Returns those that it had. */
  drop(partition: number): Iterable<MemberKey> {
    const keys = this.#partitions[partition]
    this.#partitions[partition] = undefined
    return keys === undefined ? [] : allOf(keys)
  }
}

function* allOf(keys: PartitionKeys): Iterable<MemberKey> {
  for (let leaf = 0; leaf < LEAVES; leaf++) yield* keys.keysIn(leaf)
}

class PartitionKeys {
  count = 0
  #bytes = new Uint8Array(BYTES_MIN)
  #view = new DataView(this.#bytes.buffer)
  #end = 0
  #deadBytes = 0
  /** By leaf, as a link. */
  #heads = new Uint32Array(LEAVES)

  add(leaf: number, key: Uint8Array, start: number, end: number): void {
    const at = this.#end
    this.count += 1
    this.#reserve(HEADER_BYTES + end - start)
    this.#view.setUint32(at, this.#heads[leaf]!)
    this.#view.setUint16(at + 4, end - start)
    for (let i = start; i < end; i++) this.#bytes[at + HEADER_BYTES + i - start] = key[i]!
    this.#heads[leaf] = at + 1
  }

  remove(leaf: number, key: Uint8Array): void {
    let before = 0
    for (let link = this.#heads[leaf]!; link !== 0; link = this.#view.getUint32(link - 1)) {
      if (this.#isKey(link - 1, key)) {
        const next = this.#view.getUint32(link - 1)
        if (before === 0) this.#heads[leaf] = next
        else this.#view.setUint32(before - 1, next)
        this.count -= 1
        this.#deadBytes += HEADER_BYTES + key.length
        if (this.#deadBytes > BYTES_MIN && this.#deadBytes * 2 > this.#end) this.#pack()
        return
      }
      before = link
    }
  }

  keysIn(leaf: number): MemberKey[] {
    const keys: MemberKey[] = []
    for (let link = this.#heads[leaf]!; link !== 0; link = this.#view.getUint32(link - 1)) {
      const start = link - 1 + HEADER_BYTES
      const end = start + this.#view.getUint16(link + 3)
      if (start === end) keys.push(LAYOUTS_KEY)
      else keys.push(MemberKey.hashed(this.#bytes, start, end))
    }
    return keys
  }

  #isKey(at: number, key: Uint8Array): boolean {
    if (this.#view.getUint16(at + 4) !== key.length) return false
    for (let i = 0; i < key.length; i++) if (this.#bytes[at + HEADER_BYTES + i] !== key[i]) return false
    return true
  }

  #reserve(bytes: number): void {
    this.#end += bytes
    if (this.#end <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#end, Math.ceil(this.#bytes.length * 1.5)))
    grown.set(this.#bytes)
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }

  /** Without what was removed. */
  #pack(): void {
    const bytes = this.#bytes
    const view = this.#view
    const heads = this.#heads
    this.#bytes = new Uint8Array(Math.max(BYTES_MIN, this.#end - this.#deadBytes))
    this.#view = new DataView(this.#bytes.buffer)
    this.#heads = new Uint32Array(LEAVES)
    this.#end = 0
    this.count = 0
    this.#deadBytes = 0
    for (let leaf = 0; leaf < LEAVES; leaf++) {
      for (let link = heads[leaf]!; link !== 0; link = view.getUint32(link - 1)) {
        const start = link - 1 + HEADER_BYTES
        this.add(leaf, bytes, start, start + view.getUint16(link + 3))
      }
    }
  }
}
