/**
 * What is sent becomes bytes, and what arrives is read from them: as between real members (docs/PEERS.md). A
 * key is its number, a value eight bytes, a layout the numbers of its holders.
 */
import type { Key, LayoutValue, Message, PeerForms, Table, Value } from '@minivault/cluster'
import { holdersOf, homeOf, LAYOUT_KEY, type LayoutForm } from './layout.ts'
import type { ClusterPackage } from './member.ts'
import type { StoredValue } from './operation.ts'

const VALUE_BYTES = 8

export class Wire {
  readonly #cluster: ClusterPackage
  readonly #forms: PeerForms
  readonly #writer: InstanceType<ClusterPackage['MessageWriter']>
  #arrived: Message | null = null
  readonly #onMessage = (message: Message) => {
    this.#arrived = message
  }

  constructor(cluster: ClusterPackage, keys: readonly Key[], layoutForm: LayoutForm) {
    this.#cluster = cluster
    this.#forms = formsOf([...keys, LAYOUT_KEY], layoutForm)
    this.#writer = new cluster.MessageWriter(this.#forms)
  }

  /** As the receiver gets it. Throws where it cannot be written or read. */
  pass(message: Message): Message {
    const writer = this.#writer
    writer.clear()
    const isWritten = writer.add(message)
    const { bytes, length } = writer
    const count = this.#cluster.readMessages(bytes, 0, length, this.#forms, this.#onMessage)
    if (!isWritten || count !== 1) throw new Error(`message ${message.kind} does not pass: ${count}`)
    return this.#arrived!
  }
}

function formsOf(keys: readonly Key[], layoutForm: LayoutForm): PeerForms {
  const numbers = new Map(keys.map((key, number) => [key.id, Uint8Array.of(number)]))
  const tables = {
    encode: (table: Table) => Uint8Array.of(table.epoch, homeOf(table), ...holdersOf(table)),
    decode: ([epoch, home, ...holders]: Uint8Array) => layoutForm.table(epoch!, holders, home!),
  }
  const view = new DataView(new ArrayBuffer(VALUE_BYTES))
  const viewed = new Uint8Array(view.buffer)
  const values = {
    bytesOf: (value: Value) => 1 + (isTable(value) ? tables.encode(value.table).length : VALUE_BYTES),
    write: (value: Value, into: Uint8Array, at: number) => {
      into[at] = isTable(value) ? 1 : 0
      if (isTable(value)) return into.set(tables.encode(value.table), at + 1)
      view.setFloat64(0, (value as StoredValue).number)
      into.set(viewed, at + 1)
    },
    read: (bytes: Uint8Array, start: number, end: number): Value => {
      if (bytes[start] === 1) {
        return { bytes: 0, table: tables.decode(bytes.slice(start + 1, end)) } as LayoutValue
      }
      for (let index = 0; index < VALUE_BYTES; index++) viewed[index] = bytes[start + 1 + index]!
      return { bytes: VALUE_BYTES, number: view.getFloat64(0) } as StoredValue
    },
  }
  return {
    keys: { bytesOf: ({ id }) => numbers.get(id)!, make: (bytes, start) => keys[bytes[start]!]! },
    values,
    tables,
  }
}

function isTable(value: Value): value is LayoutValue {
  return 'table' in value
}
