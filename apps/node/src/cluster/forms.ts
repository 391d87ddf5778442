/**
 * How the core's keys, values and layouts become bytes between members (docs/PEERS.md, "Value"):
 *
 *   0 form · 1 type · 2 codec · 3 zero · 4 raw bytes u32 · 8 data
 */
import type { KeyForm, LayoutValue, PeerForms, TableForm, Value, ValueForm } from '@minivault/cluster'
import { CODEC, type Codec, cloneBytes, copyBytes } from '@minivault/codec'
import { readLength, VALUE_BYTES_MAX, writeU32 } from '@minivault/protocol'
import { VALUE_TYPE, type ValueType } from '@minivault/storage'
import { decodeLayout, encodeLayout, type Layout } from '@minivault/topology'
import { keepBytes } from './kept-bytes.ts'
import { LargeValue, readReference, writeReference } from './large/large-value.ts'
import { LAYOUTS_KEY, MemberKey } from './member-key.ts'
import type { MemberValue } from './member-value.ts'

const FORM = { bytes: 0, layout: 1, reference: 2 } as const
const HEAD_BYTES = 8
const RAW_BYTES_AT = 4

export const TABLES: TableForm = {
  encode: (table) => encodeLayout(table as Layout),
  decode: decodeLayout,
}

const KEYS: KeyForm = {
  bytesOf: (key) => (key as MemberKey).bytes,
  make: (bytes, start, end) => (start === end ? LAYOUTS_KEY : MemberKey.hashed(bytes, start, end)),
}

const VALUES: ValueForm = {
  bytesOf: (value) => HEAD_BYTES + (isLayout(value) ? TABLES.encode(value.table).length : value.bytes),
  write: (value, into, at) => {
    if (isLayout(value)) return writeLayout(value, into, at)
    const { data, codec, rawBytes, type, bytes } = value as MemberValue
    const isLarge = value instanceof LargeValue
    into[at] = isLarge ? FORM.reference : FORM.bytes
    into[at + 1] = type
    into[at + 2] = codec
    into[at + 3] = 0
    writeU32(rawBytes, into, at + RAW_BYTES_AT)
    if (isLarge) writeReference(value.blob, into, at + HEAD_BYTES)
    else copyBytes(data, 0, bytes, into, at + HEAD_BYTES)
  },
  read: (bytes, start, end) => {
    if (end - start < HEAD_BYTES) return null
    if (bytes[start] === FORM.layout) return readLayout(bytes, start, end)
    const type = bytes[start + 1]!
    const codec = bytes[start + 2]!
    if (bytes[start] === FORM.reference) return readLarge(bytes, start, end)
    if (bytes[start] !== FORM.bytes || type > VALUE_TYPE.json || codec > CODEC.lz4) return null
    const data = keepBytes(bytes, start + HEAD_BYTES, end)
    const value: MemberValue = {
      bytes: data.length,
      data,
      codec: codec as Codec,
      rawBytes: readLength(bytes, start + RAW_BYTES_AT),
      type: type as ValueType,
    }
    return value
  },
}

export const FORMS: PeerForms = { keys: KEYS, values: VALUES, tables: TABLES }

function isLayout(value: Value): value is LayoutValue {
  return 'table' in value
}

function writeLayout({ table }: LayoutValue, into: Uint8Array, at: number): void {
  into.fill(0, at, at + HEAD_BYTES)
  into[at] = FORM.layout
  into.set(TABLES.encode(table), at + HEAD_BYTES)
}

function readLarge(bytes: Uint8Array, start: number, end: number): LargeValue | null {
  const type = bytes[start + 1]!
  const size = readLength(bytes, start + RAW_BYTES_AT)
  if (type > VALUE_TYPE.json || bytes[start + 2] !== CODEC.none || size > VALUE_BYTES_MAX) return null
  const blob = readReference(size, bytes, start + HEAD_BYTES, end)
  return blob === null ? null : new LargeValue(blob, type as ValueType, false)
}

function readLayout(bytes: Uint8Array, start: number, end: number): LayoutValue | null {
  try {
    return { bytes: 0, table: TABLES.decode(cloneBytes(bytes, start + HEAD_BYTES, end)) }
  } catch {
    return null
  }
}
