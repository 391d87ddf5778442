/** etcd as the generator speaks it: gRPC. `get` is linearizable, or serializable: by whoever is asked. */
import type { Language } from '../language.ts'
import { EtcdConnection, readable } from './etcd-connection.ts'
import { requestBytes, varint, writeRequest } from './etcd-requests.ts'

/** Behind the value in a RangeResponse: `count` = 1. */
const RANGE_END = [0x20, 0x01]
const VALUE_TAG = 0x2a

export const etcd = languageOf(false)
export const etcdSerializable = languageOf(true)

function languageOf(isSerializable: boolean): Language {
  return {
    greeting: null,
    open: (host, port, buffer) => EtcdConnection.open(host, port, buffer),
    writeRequest: (operation, target, at, key, valueBytes) =>
      writeRequest(operation, target, at, key, valueBytes, isSerializable),
    requestBytes: (operation, valueBytes) => requestBytes(operation, valueBytes, isSerializable),
    /**
     * Here not the beginning of the reply: of a message that found a value what stands before the value,
     * which is as far from its end as the value and RANGE_END are long; `bytes` is that distance.
     */
    expectedReply(operation, valueBytes) {
      if (operation === 'set') return { head: new Int16Array(0), bytes: 0 }
      const head = Int16Array.from([VALUE_TAG, ...varint(valueBytes)])
      return { head, bytes: head.length + valueBytes + RANGE_END.length }
    },
    explain: readable,
  }
}
