/**
 * What the vectors mean: file, form, and the fields of each message in it. Fields that are left out have
 * their defaults.
 */
import type { FORMS, Message } from './forms.ts'

export interface Meaning {
  readonly form: keyof typeof FORMS
  readonly messages: readonly Message[]
}

const KEY = 'user:1'
const FIRST_ID = '018c2f3a4b5c0001decade01'
const SECOND_ID = '018c2f3a4b600000a0000002'
const HELLO_NONCE = '\xc0\xc1\xc2\xc3\xc4\xc5\xc6\xc7\xc8\xc9\xca\xcb\xcc\xcd\xce\xcf'
const NODE_ID = '\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f'
const HELLO_REPLY =
  '\0\0\x01\0\0\0\0\0' +
  NODE_ID +
  'PQRSTUVWXYZ[\\]^_' +
  '\0\0\x40\x06\0\0\x04\0' +
  '\x5c\x4b\x3a\x2f\x8c\x01\0\0'
const PROOF = Buffer.from('23b0d2cbd5e56ab1d2ba74fa641538d1e33430b520d3100414b544deee2ad1c2', 'hex')

const documented = (...messages: Message[]): Meaning => ({ form: 'documented', messages })
const documentedReply = (...messages: Message[]): Meaning => ({ form: 'documentedReply', messages })
const request = (...messages: Message[]): Meaning => ({ form: 'frameRequest', messages })
const reply = (...messages: Message[]): Meaning => ({ form: 'frameReply', messages })

const chunk = { opcode: 0x14, frameId: 6, requestId: FIRST_ID, totalBytes: 12 }
const replyChunk = { opcode: 0x13, frameId: 4, version: FIRST_ID, totalBytes: 12 }

export const MEANINGS: Readonly<Record<string, Meaning>> = {
  'documented-get': documented({ opcode: 1, key: KEY }),
  'documented-set': documented({ opcode: 2, key: KEY, value: 'Ada' }),
  'documented-set-zstd': documented({
    ...{ opcode: 2, key: KEY, compressed: 1 },
    value: '\x28\xb5\x2f\xfd\x20\x40\x03\x02\x00a',
  }),
  'documented-set-zstd-empty-key': documented({ opcode: 2, compressed: 1, value: '\xff' }),
  'documented-delete': documented({ opcode: 3, key: KEY }),
  'documented-health': documented({ opcode: 5 }),
  'documented-health-with-key': documented({ opcode: 5, key: 'any' }),
  'documented-auth': documented({ opcode: 6, key: 'sesame' }),
  'documented-reply-success': documentedReply({ status: 0 }),
  'documented-reply-data': documentedReply({ status: 0, value: 'Ada' }),
  'documented-reply-error': documentedReply({ status: 0xff }),

  'frame-hello': request({ opcode: 0x10, frameId: 1, value: `\0\0\0\0\0\0\0\0${HELLO_NONCE}` }),
  'frame-auth': request({ opcode: 0x11, frameId: 2, value: PROOF.toString('latin1') }),
  'frame-health': request({ opcode: 0x12, frameId: 3 }),
  'frame-get': request({ opcode: 0x13, frameId: 4, key: KEY, consistency: 1, deadlineMs: 250 }),
  'frame-set': request({
    ...{ opcode: 0x14, flags: 4 | 16, durability: 2, frameId: -2, requestId: FIRST_ID, attempt: 1 },
    ...{ totalBytes: 5, key: KEY, value: '"Ada"' },
  }),
  'frame-set-chunks': request(
    { ...chunk, flags: 3, key: KEY, value: 'Ada ' },
    { ...chunk, flags: 3, chunkOffset: 4, value: 'Love' },
    { ...chunk, flags: 2, chunkOffset: 8, value: 'lace' },
  ),
  'frame-delete': request({
    ...{ opcode: 0x15, frameId: 7, key: KEY, consistency: 2, durability: 0, requestId: SECOND_ID },
  }),
  'frame-delete-if-version': request({
    ...{ opcode: 0x15, flags: 8, consistency: 1, durability: 2, frameId: -1, key: '\0' },
    expectedVersion: 'f'.repeat(24),
  }),
  'frame-hello-reply': reply({ opcode: 0x10, frameId: 1, totalBytes: 56, value: HELLO_REPLY }),
  'frame-reply-value': reply({
    ...{ opcode: 0x13, flags: 16, frameId: 4, version: FIRST_ID, totalBytes: 5, value: '"Ada"' },
  }),
  'frame-reply-chunks': reply(
    { ...replyChunk, flags: 3, value: 'Ada Love' },
    { ...replyChunk, flags: 2, chunkOffset: 8, value: 'lace' },
  ),
  'frame-reply-written': reply({ opcode: 0x15, flags: 32, frameId: 7, version: SECOND_ID }),
  'frame-reply-no': reply({
    ...{ opcode: 0x14, outcome: 1, frameId: 6, error: 2, version: FIRST_ID, value: 'the key exists already' },
  }),
  'frame-reply-failed': reply({
    ...{ opcode: 0x14, outcome: 2, frameId: 6, error: 13, retryAfterMs: 40, value: 'too many requests' },
  }),
  'frame-reply-in-doubt': reply({
    ...{ opcode: 0x14, outcome: 3, frameId: 6, error: 18, version: SECOND_ID },
    value: 'the write may or may not have taken effect',
  }),
}
