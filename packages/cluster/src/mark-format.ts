/**
 * The bytes of a mark: a key in the store's space of metadata, and its value. docs/DATA_FILE.md part 2 draws
 * them. One key for each kind and place, so that the last value is all that has to be read back.
 *
 *     membership/pppp      u8 membership
 *     promise/pppp         ballot (12, big-endian)
 *     fence/pppp/ll        ballot (12, big-endian)
 *     floor/pppp/ll        upTo (12, big-endian) · expiredBeforeMs u64
 *     life/mmmmmmmm        life u64
 *     layout               count u16 · count names (u8 length, bytes) · u32 length, table · u32 length, next
 *
 * Partition, leaf and member are hexadecimal, so that the order of the keys is theirs. What a table's bytes
 * are is its owner's to say (`TableForm`). A reader passes over keys that it does not know; of those that it
 * knows it refuses every other byte.
 */
import { readVersion, VERSION_BYTES, Version, writeVersion } from '@minivault/clock'
import { type LayoutState, phaseOf, type Table } from './layout-state.ts'
import { MarkError } from './mark-error.ts'
import { type Leaf, type Mark, MEMBERSHIP, type Membership } from './marks.ts'
import { higher } from './record.ts'

/** `encodeLayout` and `decodeLayout` of @minivault/topology. */
export interface TableForm {
  encode(table: Table): Uint8Array
  /** Throws on all that is not a table. */
  decode(bytes: Uint8Array): Table
}

export interface MarkEntry {
  /** ASCII. */
  readonly key: string
  readonly value: Uint8Array
}

const PARTITIONS_MAX = 0x10000
const LEAVES_MAX = 0x100
const MEMBERS_MAX = 2 ** 32
const ROSTER_MAX = 0xffff
const NAME_BYTES_MAX = 0xff
const FLOOR_BYTES = VERSION_BYTES + 8

const KEY =
  /^(membership|promise|fence|floor|life|layout)(?:\/([0-9a-f]{4}|[0-9a-f]{8}))?(?:\/([0-9a-f]{2}))?$/
const KINDS = /^(membership|promise|fence|floor|life|layout)(\/|$)/

/** Throws RangeError for a number that no mark can hold. */
export function encodeMark(mark: Mark, form: TableForm): MarkEntry {
  switch (mark.kind) {
    case 'membership':
      return { key: `membership/${ofPartition(mark)}`, value: Uint8Array.of(mark.membership) }
    case 'promise':
      return { key: `promise/${ofPartition(mark)}`, value: bytesOf(mark.ballot, VERSION_BYTES) }
    case 'fence':
      return { key: `fence/${ofLeaf(mark)}`, value: bytesOf(mark.ballot, VERSION_BYTES) }
    case 'floor': {
      const value = bytesOf(mark.upTo, FLOOR_BYTES)
      writeCount(value, VERSION_BYTES, mark.expiredBeforeMs)
      return { key: `floor/${ofLeaf(mark)}`, value }
    }
    case 'life': {
      const value = new Uint8Array(8)
      writeCount(value, 0, mark.life)
      return { key: `life/${hex(mark.member, MEMBERS_MAX, 8)}`, value }
    }
    case 'layout':
      return { key: 'layout', value: encodeState(mark.state, form) }
  }
}

/** Null: the key is not one of a mark. Throws MarkError for what this program did not write. */
export function decodeMark({ key, value }: MarkEntry, form: TableForm): Mark | null {
  if (!KINDS.test(key)) return null
  const [, kind, place = '', leaf = ''] = KEY.exec(key) ?? []
  const bytes = new MarkBytes(key, value)
  const shape = `${kind} ${place.length} ${leaf.length}`
  const partition = Number.parseInt(place, 16)
  const mark = readMark(shape, { partition, leaf: Number.parseInt(leaf, 16) }, bytes, form)
  if (mark === null) throw new MarkError(key, 'its place is not one')
  bytes.end()
  return mark
}

function readMark(shape: string, { partition, leaf }: Leaf, bytes: MarkBytes, form: TableForm): Mark | null {
  switch (shape) {
    case 'membership 4 0':
      return { kind: 'membership', partition, membership: bytes.membership() }
    case 'promise 4 0':
      return { kind: 'promise', partition, ballot: bytes.version() }
    case 'fence 4 2':
      return { kind: 'fence', partition, leaf, ballot: bytes.version() }
    case 'floor 4 2':
      return { kind: 'floor', partition, leaf, upTo: bytes.version(), expiredBeforeMs: bytes.count() }
    case 'life 8 0':
      return { kind: 'life', member: partition, life: bytes.count() }
    case 'layout 0 0':
      return { kind: 'layout', state: bytes.state(form) }
    default:
      return null
  }
}

/**
 * What to write where `before` stands already, so that the last value says all that was ever said there. Both
 * are of one kind and place.
 */
export function afterMark(before: Mark, mark: Mark): Mark {
  if (mark.kind === 'promise' && before.kind === 'promise') {
    return { ...mark, ballot: higher(before.ballot, mark.ballot) }
  }
  if (mark.kind === 'fence' && before.kind === 'fence') {
    return { ...mark, ballot: higher(before.ballot, mark.ballot) }
  }
  if (mark.kind === 'floor' && before.kind === 'floor') {
    const expiredBeforeMs = Math.max(before.expiredBeforeMs, mark.expiredBeforeMs)
    return { ...mark, upTo: higher(before.upTo, mark.upTo), expiredBeforeMs }
  }
  if (mark.kind === 'life' && before.kind === 'life') return mark.life > before.life ? mark : before
  if (mark.kind === 'layout' && before.kind === 'layout') {
    return phaseOf(mark.state) > phaseOf(before.state) ? mark : before
  }
  return mark
}

function ofPartition({ partition }: { readonly partition: number }): string {
  return hex(partition, PARTITIONS_MAX, 4)
}

function ofLeaf(place: Leaf): string {
  return `${ofPartition(place)}/${hex(place.leaf, LEAVES_MAX, 2)}`
}

function hex(number: number, below: number, digits: number): string {
  return checked(number, below).toString(16).padStart(digits, '0')
}

function checked(number: number, below: number): number {
  if (Number.isSafeInteger(number) && number >= 0 && number < below) return number
  throw new RangeError(`${number} is not an integer of 0 to ${below - 1}`)
}

function bytesOf(version: Version, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  writeVersion(version, bytes, 0)
  return bytes
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** A u64 that is a safe integer. */
function writeCount(bytes: Uint8Array, at: number, count: number): void {
  checked(count, Number.MAX_SAFE_INTEGER + 1)
  viewOf(bytes).setBigUint64(at, BigInt(count), true)
}

function encodeState({ roster, table, next }: LayoutState, form: TableForm): Uint8Array {
  const names = roster.map((name) => new TextEncoder().encode(name))
  const tables = [form.encode(table), next === null ? new Uint8Array() : form.encode(next)]
  const parts: Uint8Array[] = [unsigned(checked(names.length, ROSTER_MAX + 1), 2)]
  for (const name of names) parts.push(unsigned(checked(name.length, NAME_BYTES_MAX + 1), 1), name)
  for (const one of tables) parts.push(unsigned(one.length, 4), one)
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

function unsigned(value: number, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => value >>> (8 * i))
}

/** Reads a value from its start to its end. */
class MarkBytes {
  readonly #key: string
  readonly #bytes: Uint8Array
  #at = 0

  constructor(key: string, bytes: Uint8Array) {
    this.#key = key
    this.#bytes = bytes
  }

  end(): void {
    const { length } = this.#bytes
    if (this.#at !== length) this.#refuse(`it has ${length} bytes, not ${this.#at}`)
  }

  membership(): Membership {
    const value = this.#unsigned(1)
    if (value > MEMBERSHIP.arriving) this.#refuse(`${value} is no membership`)
    return value as Membership
  }

  version(): Version {
    return readVersion(this.#take(VERSION_BYTES), 0, new Version())
  }

  count(): number {
    const value = Number(viewOf(this.#take(8)).getBigUint64(0, true))
    if (!Number.isSafeInteger(value)) this.#refuse(`${value} is too large`)
    return value
  }

  state(form: TableForm): LayoutState {
    const roster = Array.from({ length: this.#unsigned(2) }, () => this.#name())
    const names = new Set(roster)
    if (names.size < roster.length) this.#refuse('a member stands in its roster twice')
    const table = this.#table(form, names)
    if (table === null) this.#refuse('it has no layout')
    return { roster, table, next: this.#table(form, names) }
  }

  #name(): string {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.#take(this.#unsigned(1)))
    } catch (cause) {
      if (cause instanceof MarkError) throw cause
      this.#refuse('a name in its roster is no text', cause)
    }
  }

  #table(form: TableForm, roster: ReadonlySet<string>): Table | null {
    const bytes = this.#take(this.#unsigned(4))
    if (bytes.length === 0) return null
    let table: Table
    try {
      table = form.decode(bytes)
    } catch (cause) {
      this.#refuse(cause instanceof Error ? cause.message : 'its layout is none', cause)
    }
    const stranger = table.members.find(({ name }) => !roster.has(name))
    if (stranger !== undefined) this.#refuse(`${stranger.name} is not in its roster`)
    return table
  }

  #unsigned(length: number): number {
    return this.#take(length).reduceRight((value, byte) => value * 256 + byte, 0)
  }

  #take(length: number): Uint8Array {
    const bytes = this.#bytes.subarray(this.#at, this.#at + length)
    if (bytes.length < length) this.#refuse('it is cut')
    this.#at += length
    return bytes
  }

  #refuse(why: string, cause?: unknown): never {
    throw new MarkError(this.#key, why, cause)
  }
}
