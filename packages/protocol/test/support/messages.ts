/**
 * What the vectors mean: file, form, and the fields of each message in it. Fields that are left out have
 * their defaults.
 */
import type { Message } from '../../src/testing/index.ts'
import type { FORMS } from './forms.ts'

export interface Meaning {
  readonly form: keyof typeof FORMS
  readonly messages: readonly Message[]
}

const KEY = 'user:1'
const THIRD_ID = '018c2f3a4b610000a0000002'
const FIRST_ID = '018c2f3a4b5c0001decade01'
const SECOND_ID = '018c2f3a4b600000a0000002'
const HELLO_NONCE = '\xc0\xc1\xc2\xc3\xc4\xc5\xc6\xc7\xc8\xc9\xca\xcb\xcc\xcd\xce\xcf'
const NODE_ID = '\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f'
const HELLO_REPLY =
  '\x01\0\x01\0\x0f\0\0\0' +
  NODE_ID +
  'PQRSTUVWXYZ[\\]^_' +
  '\0\0\x40\x06\0\0\x04\0' +
  '\x5c\x4b\x3a\x2f\x8c\x01\0\0'
const PROOF = Buffer.from('23b0d2cbd5e56ab1d2ba74fa641538d1e33430b520d3100414b544deee2ad1c2', 'hex')

/** The spaces of a text of hex digits are for its reader. */
const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex').toString('latin1')
const SCAN = bytes('00000000 00000000 00 00 0000 0000 0000 00000000')
const SCAN_RANGE = `${bytes('02000000 00100000 03 00 0600 0600 0000 06000000')}user:1user:9CURSOR`
const PAGE =
  bytes('03000000 06000000') +
  'CURSOR' +
  bytes(`0100 00 00 03000000 ${FIRST_ID} 000000000000`) +
  'aAda' +
  bytes(`0200 01 00 02000000 ${SECOND_ID} 5c4b3a2f8c01`) +
  'bb42' +
  bytes(`0100 80 00 00004006 ${THIRD_ID} 000000000000`) +
  'c'
const KEYS_PAGE =
  bytes(`02000000 00000000 0600 00 00 0c000000 ${FIRST_ID} 000000000000`) +
  'user:9' +
  bytes(`0600 01 00 05000000 ${SECOND_ID} 000000000000`) +
  'user:8'
const BATCH =
  bytes('14 10 0100 02000000 60ea00000000 0000') +
  'a42' +
  bytes('15 00 0200 00000000 000000000000 0000') +
  'bb' +
  bytes('14 00 0100 00000000 000000000000 0000') +
  'c'

const documented = (...messages: Message[]): Meaning => ({ form: 'documented', messages })
const documentedReply = (...messages: Message[]): Meaning => ({ form: 'documentedReply', messages })
const request = (...messages: Message[]): Meaning => ({ form: 'frameRequest', messages })
const reply = (...messages: Message[]): Meaning => ({ form: 'frameReply', messages })

const chunk = { opcode: 0x14, frameId: 6, requestId: FIRST_ID, totalBytes: 12 }
const batch = { opcode: 0x21, frameId: 15, requestId: SECOND_ID, totalBytes: 54 }
const peer = { opcode: 0x30, frameId: 17, totalBytes: 5 }
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

  'frame-hello': request({ opcode: 0x10, frameId: 1, value: `\x01\0\x01\0\0\0\0\0${HELLO_NONCE}` }),
  'frame-hello-member': request({
    ...{ opcode: 0x10, frameId: 1, key: 'a:3000' },
    value: `\x01\0\x01\0\0\0\0\0${HELLO_NONCE}`,
  }),
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
  'frame-get-range': request({
    ...{ opcode: 0x13, flags: 64, frameId: 8, key: KEY, totalBytes: 7, chunkOffset: 4 },
  }),
  'frame-get-no-value': request({ opcode: 0x13, flags: 128, frameId: 9, key: KEY }),
  'frame-set-if-version': request({
    ...{ opcode: 0x14, flags: 8, durability: 1, frameId: 10, requestId: SECOND_ID, key: KEY },
    ...{ expectedVersion: FIRST_ID, totalBytes: 3, ttlMs: 200 * 86_400_000, value: 'Ada' },
  }),
  'frame-touch': request({ opcode: 0x22, frameId: 11, requestId: SECOND_ID, key: KEY, ttlMs: 60_000 }),
  'frame-increment': request({
    ...{ opcode: 0x23, frameId: 12, requestId: SECOND_ID, key: 'hits', ttlMs: 86_400_000 },
    value: `\xfe${'\xff'.repeat(7)}`,
  }),
  'frame-scan': request({ opcode: 0x20, frameId: 13, value: SCAN }),
  'frame-scan-range': request({
    ...{ opcode: 0x20, flags: 32 + 128, frameId: 14, key: 'user:', value: SCAN_RANGE },
  }),
  'frame-batch': request({ ...batch, durability: 2, attempt: 1, value: BATCH }),
  'frame-batch-chunks': request(
    { ...batch, flags: 3, value: BATCH.slice(0, 30) },
    { ...batch, flags: 2, chunkOffset: 30, value: BATCH.slice(30) },
  ),
  'frame-layout': request({ opcode: 0x24, frameId: 16 }),
  'frame-peer': request({ opcode: 0x30, frameId: 16, totalBytes: 5, value: 'BATCH' }),
  'frame-peer-chunks': request(
    { ...peer, flags: 3, value: 'BAT' },
    { ...peer, flags: 2, chunkOffset: 3, value: 'CH' },
  ),
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
  'frame-reply-range': reply({
    ...{ opcode: 0x13, frameId: 8, version: FIRST_ID, totalBytes: 12, chunkOffset: 4, value: 'Lovelac' },
  }),
  'frame-reply-ends': reply({
    ...{
      opcode: 0x13,
      frameId: 8,
      version: FIRST_ID,
      expiresAtMs: 0x18c2f3a4b5c,
      totalBytes: 3,
      value: 'Ada',
    },
  }),
  'frame-reply-no-value': reply({ opcode: 0x13, flags: 16, frameId: 9, version: FIRST_ID, totalBytes: 5 }),
  'frame-reply-mismatch': reply({
    ...{ opcode: 0x14, outcome: 1, frameId: 10, error: 3, version: THIRD_ID },
    value: 'the key holds another version',
  }),
  'frame-reply-touch': reply({ opcode: 0x22, frameId: 11, version: SECOND_ID }),
  'frame-reply-increment': reply({
    ...{ opcode: 0x23, frameId: 12, version: SECOND_ID, value: `\x28${'\0'.repeat(7)}` },
  }),
  'frame-reply-not-a-number': reply({
    ...{ opcode: 0x23, outcome: 2, frameId: 12, error: 29, value: 'the value is not a decimal number' },
  }),
  'frame-reply-scan': reply({ opcode: 0x20, flags: 1, frameId: 13, value: PAGE }),
  'frame-reply-scan-keys': reply({ opcode: 0x20, frameId: 14, value: KEYS_PAGE }),
  'frame-reply-batch': reply({
    ...{ opcode: 0x21, frameId: 15, version: THIRD_ID, value: bytes(FIRST_ID + SECOND_ID + THIRD_ID) },
  }),
  'frame-reply-no-layout': reply({
    ...{ opcode: 0x24, outcome: 2, frameId: 16, error: 11, value: 'this node is not a member of a cluster' },
  }),
  'frame-reply-peer': reply({ opcode: 0x30, frameId: 16, totalBytes: 6, value: bytes('5c4b3a2f8c01') }),
  'frame-reply-in-doubt': reply({
    ...{ opcode: 0x14, outcome: 3, frameId: 6, error: 18, version: SECOND_ID },
    value: 'the write may or may not have taken effect',
  }),
}
