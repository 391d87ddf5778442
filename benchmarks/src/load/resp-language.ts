/**
 * RESP, as redis speaks it.
 *
 *     SET  *3 $3 SET $16 key $n value (each CR LF)              reply  +OK CR LF
 *     GET  *2 $3 GET $16 key                                    reply  $n CR LF value CR LF
 */
import { KEY_BYTES, keyName, type Language, type Operation } from './language.ts'

export const resp: Language = {
  greeting: null,
  writeRequest(operation, target, at, key, valueBytes) {
    const next = at + target.write(respHead(operation, key, valueBytes), at, 'latin1')
    if (operation === 'get') return next
    return next + valueBytes + target.write('\r\n', next + valueBytes, 'latin1')
  },
  requestBytes(operation, valueBytes) {
    const head = respHead(operation, keyName(0), valueBytes).length
    return operation === 'get' ? head : head + valueBytes + 2
  },
  expectedReply(operation, valueBytes) {
    const head = Buffer.from(operation === 'get' ? `$${valueBytes}\r\n` : '+OK\r\n')
    const rest = operation === 'get' ? valueBytes + 2 : 0
    return { head: Int16Array.from(head), bytes: head.length + rest }
  },
  explain(reply) {
    const line = reply.toString('latin1').split('\r\n', 1)[0] ?? ''
    return line === '$-1' ? 'a miss' : `the reply "${line.slice(0, 80)}"`
  },
}

function respHead(operation: Operation, key: string, valueBytes: number): string {
  const keyPart = `$3\r\n${operation.toUpperCase()}\r\n$${KEY_BYTES}\r\n${key}\r\n`
  return operation === 'get' ? `*2\r\n${keyPart}` : `*3\r\n${keyPart}$${valueBytes}\r\n`
}
