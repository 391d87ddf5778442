/**
 * The two languages of the load generator: minivault's documented binary protocol and RESP, as redis speaks
 * it.
 *
 *     binary   SET  02 keyLength:u16le key valueLength:u32le 00 value    reply  00 00000000
 *              GET  01 keyLength:u16le key                               reply  00 length:u32le value
 *     RESP     SET  *3 $3 SET $16 key $n value (each CR LF)              reply  +OK CR LF
 *              GET  *2 $3 GET $16 key                                    reply  $n CR LF value CR LF
 *
 * In one run every right reply begins with the same bytes and has the same length: all values have one size.
 * So a language says only what those first bytes are and how many follow, and the generator counts replies
 * of both languages with the same code at the same cost. Anything else (an error, a miss, another length)
 * differs in those first bytes.
 */
export type Operation = 'set' | 'get'

export interface Language {
  /** Writes one request whose value bytes are already in place; returns the offset behind it. */
  writeRequest(operation: Operation, target: Buffer, at: number, key: string, valueBytes: number): number
  requestBytes(operation: Operation, valueBytes: number): number
  /** The first bytes of every right reply. */
  replyHead(operation: Operation, valueBytes: number): Buffer
  /** How many bytes follow the head. */
  replyBodyBytes(operation: Operation, valueBytes: number): number
  /** What a reply that begins differently means, for people. */
  explain(reply: Buffer): string
}

/** `key:000000012345`, the form that redis-benchmark uses. */
export const KEY_BYTES = 16

export function keyName(index: number): string {
  return `key:${index.toString().padStart(KEY_BYTES - 4, '0')}`
}

const OPCODE = { get: 0x01, set: 0x02 } as const
const STATUS_OK = 0x00
const STATUS_ERROR = 0xff

const binary: Language = {
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
  replyHead(operation, valueBytes) {
    const head = Buffer.alloc(5)
    head[0] = STATUS_OK
    head.writeUInt32LE(operation === 'get' ? valueBytes : 0, 1)
    return head
  },
  replyBodyBytes: (operation, valueBytes) => (operation === 'get' ? valueBytes : 0),
  explain(reply) {
    if (reply[0] === STATUS_ERROR)
      return 'an error reply (or a miss: the documented form does not tell them apart)'
    return `a reply that begins ${reply.subarray(0, 5).toString('hex')}`
  },
}

const resp: Language = {
  writeRequest(operation, target, at, key, valueBytes) {
    const next = at + target.write(respHead(operation, key, valueBytes), at, 'latin1')
    if (operation === 'get') return next
    return next + valueBytes + target.write('\r\n', next + valueBytes, 'latin1')
  },
  requestBytes(operation, valueBytes) {
    const head = respHead(operation, keyName(0), valueBytes).length
    return operation === 'get' ? head : head + valueBytes + 2
  },
  replyHead: (operation, valueBytes) => Buffer.from(operation === 'get' ? `$${valueBytes}\r\n` : '+OK\r\n'),
  replyBodyBytes: (operation, valueBytes) => (operation === 'get' ? valueBytes + 2 : 0),
  explain(reply) {
    const line = reply.toString('latin1').split('\r\n', 1)[0] ?? ''
    return line === '$-1' ? 'a miss' : `the reply "${line.slice(0, 80)}"`
  },
}

function respHead(operation: Operation, key: string, valueBytes: number): string {
  const keyPart = `$3\r\n${operation.toUpperCase()}\r\n$${KEY_BYTES}\r\n${key}\r\n`
  return operation === 'get' ? `*2\r\n${keyPart}` : `*3\r\n${keyPart}$${valueBytes}\r\n`
}

export const LANGUAGES = { binary, resp } as const
export type LanguageName = keyof typeof LANGUAGES
