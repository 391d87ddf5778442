/**
 * minivault's documented binary protocol, as the generator speaks it.
 *
 *     SET  02 keyLength:u16le key valueLength:u32le 00 value    reply  00 00000000
 *     GET  01 keyLength:u16le key                               reply  00 length:u32le value
 */
import { KEY_BYTES, type Language } from './language.ts'

const OPCODE = { get: 0x01, set: 0x02 } as const
const STATUS_OK = 0x00
const STATUS_ERROR = 0xff

export const documented: Language = {
  greeting: null,
  writeRequest(operation, target, at, key, valueBytes) {
    target[at] = OPCODE[operation]
    target.writeUInt16LE(KEY_BYTES, at + 1)
    let next = at + 3 + target.write(key, at + 3, 'latin1')
    if (operation === 'get') return next
    next = target.writeUInt32LE(valueBytes, next)
    target[next] = 0 // not compressed
    return next + 1 + valueBytes
  },
  requestBytes: (operation, valueBytes) => 3 + KEY_BYTES + (operation === 'get' ? 0 : 5 + valueBytes),
  expectedReply(operation, valueBytes) {
    const length = operation === 'get' ? valueBytes : 0
    const head = Buffer.alloc(5)
    head[0] = STATUS_OK
    head.writeUInt32LE(length, 1)
    return { head: Int16Array.from(head), bytes: head.length + length }
  },
  explain(reply) {
    if (reply[0] === STATUS_ERROR)
      return 'an error reply (or a miss: the documented form does not tell them apart)'
    return `a reply that begins ${reply.subarray(0, 5).toString('hex')}`
  },
}
