/** What a member has written down for many keys, as metadata of its store (docs/DATA_FILE.md, part 2). */
import { successor, Version } from '@minivault/clock'
import {
  afterMark,
  decodeMark,
  encodeMark,
  type Mark,
  MEMBERSHIP,
  type Membership,
  type TableForm,
} from '@minivault/cluster'
import { hashKey, KeyHash } from '@minivault/codec'
import { DURABILITY, type Durability, Mutation, type RecordDoor, SPACE } from '@minivault/storage'
import type { LastOpen } from './folder-start.ts'

const CLUSTER_ID = 'cluster-id'
const BEGAN = 'began'
const BOOT = 'boot'
const LEVEL = 'level'

export class StoredMarks {
  readonly #records: RecordDoor
  readonly #tables: TableForm
  readonly #mutation = new Mutation()
  readonly #ballot = new Version()
  /** Of the key that was read last. */
  #hash = new KeyHash()
  #droppedEnd = -1

  constructor(records: RecordDoor, tables: TableForm) {
    this.#records = records
    this.#tables = tables
    this.#mutation.space = SPACE.meta
    this.#mutation.durability = DURABILITY.fsync
  }

  /** Of the value under a key of metadata. Null: it is not one of a mark. Throws MarkError. */
  decode(key: string): Mark | null {
    const value = this.#read(key)
    return value === null ? null : decodeMark({ key, value }, this.#tables)
  }

  /** Writes the higher of what stands there and the mark; returns the place behind it. */
  note(mark: Mark): number {
    const entry = encodeMark(mark, this.#tables)
    const value = this.#read(entry.key)
    if (value === null) return this.#write(entry.key, entry.value)
    const before = decodeMark({ key: entry.key, value }, this.#tables)!
    return this.#write(entry.key, encodeMark(afterMark(before, mark), this.#tables).value)
  }

  get clusterId(): string | null {
    const value = this.#read(CLUSTER_ID)
    return value === null ? null : Buffer.from(value).toString()
  }

  writeClusterId(id: string): number {
    return this.#write(CLUSTER_ID, Buffer.from(id))
  }

  /** As what a member began of whose marks not all may be here yet. */
  get began(): Membership {
    return (this.#read(BEGAN)?.[0] ?? MEMBERSHIP.voting) as Membership
  }

  writeBegan(began: Membership): void {
    this.#write(BEGAN, Uint8Array.of(began))
  }

  get lastOpen(): LastOpen {
    const level = this.#read(LEVEL)?.[0] ?? DURABILITY.fsync
    return { level: level as Durability, boot: Buffer.from(this.#read(BOOT) ?? '').toString() }
  }

  writeBoot(boot: string): void {
    this.#write(BOOT, Buffer.from(boot))
  }

  writeLevel(level: Durability): void {
    this.#write(LEVEL, Uint8Array.of(level))
  }

  /**
   * What lies below the segment that this returns is gone. Where nothing was written since the last one was,
   * they share it.
   */
  writeDropped(partition: number): number {
    const records = this.#records
    const key = `dropped/${partition.toString(16).padStart(4, '0')}`
    if (records.end !== this.#droppedEnd) {
      records.roll()
      // What begins the segment tells its number.
      this.#write(key, this.#read(key) ?? new Uint8Array(4))
    }
    const { segment } = records
    const value = new Uint8Array(4)
    new DataView(value.buffer).setUint32(0, segment, true)
    this.#write(key, value)
    this.#droppedEnd = records.end
    return segment
  }

  /** A copy; null: nothing stands there. `#ballot` is that of what does. */
  #read(key: string): Uint8Array | null {
    const mutation = this.#mutation
    mutation.key = Buffer.from(key)
    mutation.keyEnd = mutation.key.length
    hashKey(mutation.key, 0, mutation.keyEnd, mutation.hash)
    const hash = hashKey(mutation.key, 0, mutation.keyEnd, new KeyHash())
    this.#hash = hash
    this.#ballot.clear()
    if (!this.#records.read(SPACE.meta, mutation.key, 0, mutation.keyEnd, hash)) return null
    this.#ballot.copy(this.#records.found.ballot)
    return new Uint8Array(this.#records.value.bytes)
  }

  #write(key: string, value: Uint8Array): number {
    const mutation = this.#mutation
    this.#read(key)
    successor(this.#ballot, 0, mutation.ballot)
    mutation.value = value
    mutation.valueEnd = value.length
    mutation.rawBytes = value.length
    this.#records.apply(mutation, this.#hash)
    return this.#records.place
  }
}
