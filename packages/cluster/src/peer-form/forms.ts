/** What this package does not know the bytes of: keys, values and tables are their owner's. */
import type { TableForm } from '../mark-format.ts'
import type { Key } from '../ports.ts'
import type { Value } from '../record.ts'

export interface KeyForm {
  /** At most 65,535; not kept. */
  bytesOf(key: Key): Uint8Array
  /** Of bytes[start, end), which are copied. */
  make(bytes: Uint8Array, start: number, end: number): Key
}

export interface ValueForm {
  /** So many `write` will write. */
  bytesOf(value: Value): number
  /** There is room for it. */
  write(value: Value, into: Uint8Array, at: number): void
  /** Of bytes[start, end), which are copied; null: they are no value. Does not throw. */
  read(bytes: Uint8Array, start: number, end: number): Value | null
}

export interface PeerForms {
  readonly keys: KeyForm
  readonly values: ValueForm
  readonly tables: TableForm
}
