/**
 * Values of the core as a store has them: in the record, or in a file of their own; what is decided about
 * layouts as the bytes of a layout.
 */
import type { LayoutValue, TableForm, Value } from '@minivault/cluster'
import type { Mutation, RecordDoor } from '@minivault/storage'
import { keepBytes } from '../kept-bytes.ts'
import { LargeValue } from '../large/large-value.ts'
import type { ValueFiles } from '../large/value-files.ts'
import type { MemberValue } from '../member-value.ts'

export class StoredValues {
  readonly #records: RecordDoor
  readonly #tables: TableForm
  /** Null: large values stay only as long as a record names them. */
  readonly #files: ValueFiles | null

  constructor(records: RecordDoor, tables: TableForm, files: ValueFiles | null) {
    this.#records = records
    this.#tables = tables
    this.#files = files
  }

  /** Of the record that was read last. */
  read(isOfLayouts: boolean): Value {
    const { value, found } = this.#records
    const data = keepBytes(value.bytes, 0, value.bytes.length)
    if (isOfLayouts) {
      const decided: LayoutValue = { bytes: data.length, table: this.#tables.decode(data) }
      return decided
    }
    if (found.blob !== null) {
      this.#files?.read(found.blob)
      return new LargeValue(found.blob, found.valueType, true)
    }
    const { codec, rawBytes } = value
    const ours: MemberValue = { bytes: data.length, data, codec, rawBytes, type: found.valueType }
    return ours
  }

  /** Puts it into the mutation; of one with a file, all but the file. */
  fill(mutation: Mutation, value: Value | null, isOfLayouts: boolean): void {
    mutation.tombstone = value === null
    if (value === null) {
      mutation.valueEnd = 0
      mutation.codec = 0
      mutation.rawBytes = 0
    } else if (isOfLayouts) {
      const data = this.#tables.encode((value as LayoutValue).table)
      mutation.value = data
      mutation.valueEnd = data.length
      mutation.codec = 0
      mutation.rawBytes = data.length
    } else {
      const { data, codec, rawBytes, type } = value as MemberValue
      mutation.value = data
      mutation.valueEnd = data.length
      mutation.codec = codec
      mutation.rawBytes = rawBytes
      mutation.valueType = type
    }
  }

  /** A record names the file from now on. */
  held({ blob }: LargeValue): void {
    this.#files?.held(blob)
  }
}
