/** Keys and values for tests of what peers send: a key is its text, a value is any bytes. */
import { decodeLayout, encodeLayout, type Layout } from '@minivault/topology'
import type { Key, PeerForms, TableForm, Value } from '../../src/index.ts'

export const tables: TableForm = {
  encode: (table) => encodeLayout(table as Layout),
  decode: decodeLayout,
}

export interface HexValue extends Value {
  readonly hex: string
}

export function hexValue(hex: string): HexValue {
  return { bytes: hex.length / 2, hex }
}

export function keyOf(id: string): Key {
  return { id, high: id.length, low: -id.length, partition: 7, leaf: 0x1a }
}

/** A value that begins with ff is none. */
export const forms: PeerForms = {
  keys: {
    bytesOf: ({ id }) => Buffer.from(id, 'latin1'),
    make: (bytes, start, end) => keyOf(Buffer.from(bytes.subarray(start, end)).toString('latin1')),
  },
  values: {
    bytesOf: ({ bytes }) => bytes,
    write: (value, into, at) => into.set(Buffer.from((value as HexValue).hex, 'hex'), at),
    read: (bytes, start, end) =>
      bytes[start] === 0xff ? null : hexValue(Buffer.from(bytes.subarray(start, end)).toString('hex')),
  },
  tables,
}
