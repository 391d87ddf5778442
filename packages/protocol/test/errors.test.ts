/**
 * The tables of the wire: what docs/PROTOCOL.md and the README say is what the code does, and changes only
 * with notice.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { BATCH_OPERATION_HEAD_BYTES } from '../src/batch.ts'
import {
  FRAME_OPCODE,
  REPLY_AT,
  REPLY_BIT,
  REPLY_FLAGS_KNOWN,
  REQUEST_AT,
  REQUEST_FLAGS,
} from '../src/frame-form.ts'
import { HELLO_BODY_BYTES, HELLO_REPLY_BODY_BYTES, NODE_ID_BYTES, PROOF_BYTES } from '../src/hello.ts'
import * as protocol from '../src/index.ts'
import {
  ERROR,
  ERROR_KINDS,
  type ErrorName,
  errorKind,
  isErrorName,
  OUTCOME,
  ProtocolError,
} from '../src/index.ts'
import { SCAN_ENTRY_HEAD_BYTES } from '../src/scan-page.ts'
import { SCAN_REQUEST_HEAD_BYTES } from '../src/scan-request.ts'

/** The layout of each version of the frame form. */
const LAYOUTS: readonly string[] = ['9161236e34de8452', '9161236e34de8452']

/** HTTP statuses as published. */
const STATUSES: Readonly<Record<number, readonly ErrorName[]>> = {
  400: [
    'KEY_MISSING',
    'BAD_JSON',
    'MISSING_VALUE',
    'BAD_REQUEST',
    'BAD_COMPRESSION',
    'PROTOCOL_VERSION',
    'TLS_REQUIRED',
  ],
  401: ['UNAUTHORIZED'],
  403: ['ORIGIN_REFUSED', 'PEER_REFUSED'],
  404: ['KEY_NOT_FOUND', 'NOT_FOUND'],
  405: ['METHOD_NOT_ALLOWED'],
  409: ['KEY_EXISTS', 'SUPERSEDED', 'NOT_A_NUMBER', 'LAYOUT_CHANGING', 'LAYOUT_NOT_NEXT'],
  412: ['VERSION_MISMATCH'],
  413: ['VALUE_TOO_LARGE', 'FRAME_TOO_LARGE'],
  414: ['KEY_LENGTH'],
  416: ['RANGE_NOT_SATISFIABLE'],
  429: ['RATE_LIMITED'],
  500: ['CORRUPT', 'INTERNAL'],
  501: ['UNSUPPORTED'],
  503: ['READ_ONLY', 'NO_QUORUM', 'CLOCK_TOO_FAR', 'OVERLOADED', 'SHUTTING_DOWN'],
  504: ['TIMEOUT', 'IN_DOUBT'],
  507: ['DISK_FULL'],
}

const documentText = readFileSync(join(import.meta.dirname, '../../../docs/PROTOCOL.md'), 'utf8')

/** The cells of the table below a heading of docs/PROTOCOL.md, without its head. */
function tableBelow(heading: string): string[][] {
  const chapter = documentText.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? ''
  const rows = chapter.split('\n').filter((line) => line.startsWith('|'))
  return rows.slice(2).map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  )
}

t.test('numbers are unique and dense, every row is complete', async (t) => {
  const numbers = Object.values(ERROR).sort((a, b) => a - b)
  t.same(numbers, [...numbers.keys()], '0 to the last, each once')
  t.equal(ERROR_KINDS.length, numbers.length - 1)
  for (const [index, kind] of ERROR_KINDS.entries()) {
    t.equal(kind.number, index + 1, `${kind.name} stands at its number`)
    t.ok(
      Object.values(OUTCOME).includes(kind.outcome) && kind.outcome !== OUTCOME.ok,
      `${kind.name}: outcome`,
    )
    t.match(kind.message, /^[a-z].*[^.]$/, `${kind.name}: one line, without a full stop`)
    t.ok(Buffer.byteLength(kind.message) <= protocol.MESSAGE_BYTES_MAX)
  }
  t.equal(new Set(ERROR_KINDS.map((kind) => kind.message)).size, ERROR_KINDS.length, 'each says its own')
})

t.test('every name maps back, an unknown number reads as INTERNAL', async (t) => {
  for (const kind of ERROR_KINDS) {
    t.equal(ERROR[kind.name], kind.number)
    t.equal(errorKind(kind.number), kind)
    t.ok(isErrorName(kind.name))
    const { name, code, message, httpStatus, retryable } = new ProtocolError(kind.name)
    t.same([name, code, message], ['ProtocolError', kind.name, kind.message])
    t.same([httpStatus, retryable], [kind.httpStatus, kind.retryable])
  }
  for (const number of [0, -1, ERROR_KINDS.length + 1, 65_535]) t.equal(errorKind(number).name, 'INTERNAL')
  for (const name of ['NONE', 'none', '', 'toString', '__proto__']) t.notOk(isErrorName(name), name)
  const cause = new Error('deeper')
  t.match(new ProtocolError('CORRUPT', 'more telling', { cause }), { message: 'more telling', cause })
})

t.test('HTTP statuses are the published ones', async (t) => {
  for (const [status, names] of Object.entries(STATUSES)) {
    for (const name of names) t.equal(errorKind(ERROR[name]).httpStatus, Number(status), name)
  }
  t.equal(Object.values(STATUSES).flat().length, ERROR_KINDS.length, 'all of them')
})

t.test('docs/PROTOCOL.md lists the same errors', async (t) => {
  const outcomes = ['ok', 'no', 'failed', 'in doubt']
  const rows = ERROR_KINDS.map(({ number, name, httpStatus, outcome, retryable }) => {
    return [String(number), name, String(httpStatus), outcomes[outcome], retryable ? 'yes' : 'no']
  })
  t.same(tableBelow('Error codes'), rows)
})

t.test('docs/PROTOCOL.md lists the same opcodes and limits', async (t) => {
  const opcodes = tableBelow('The frame form')
    .filter(([opcode]) => /^0x..$/.test(opcode!))
    .map(([opcode, name]) => [name!.toLowerCase().replace('_', ''), Number(opcode)])
  t.same(
    opcodes,
    Object.entries(FRAME_OPCODE).map(([name, opcode]) => [name.toLowerCase(), opcode]),
  )
  for (const [what, bytes] of [
    ['key', `1 to ${protocol.KEY_BYTES_MAX.toLocaleString('en')}`],
    ['value', `${protocol.VALUE_BYTES_MAX / 2 ** 20} MiB, before and after decompression`],
    ['frame of the second form, header included', protocol.FRAME_BYTES_MAX.toLocaleString('en')],
    [
      'frame from a client that has not shown a key it needs',
      protocol.UNAUTHENTICATED_BYTES_MAX.toLocaleString('en'),
    ],
  ]) {
    t.ok(documentText.includes(`\n| ${what} | ${bytes} |\n`), `${what}: ${bytes}`)
  }
})

/** New opcodes, capabilities and error codes may follow those of the beginning; these stay. */
function first(table: Record<string, number>, count: number): Record<string, number> {
  return Object.fromEntries(Object.entries(table).slice(0, count))
}

function isOfTheBeginning(opcode: number): boolean {
  return Object.values(first(FRAME_OPCODE, 10)).includes(opcode)
}

t.test('a change of the layout is a new version', async (t) => {
  const { PROTOCOL_VERSION, FRAME_FLAG, CONSISTENCY, DURABILITY_OF_SERVER, OPCODE, DOCUMENTED_STATUS } =
    protocol
  const { DOCUMENTED_HEAD_BYTES, DOCUMENTED_VALUE_HEAD_BYTES, DOCUMENTED_REPLY_HEAD_BYTES } = protocol
  const { FRAME_REQUEST_HEAD_BYTES, FRAME_REPLY_HEAD_BYTES, NONCE_BYTES } = protocol
  const { KEY_BYTES_MAX, VALUE_BYTES_MAX, FRAME_BYTES_MAX } = protocol
  const { CAPABILITY, SCAN_PAGE_HEAD_BYTES, BATCH_BYTES_MAX, BATCH_OPERATIONS_MAX } = protocol
  const layout = {
    ...{ OPCODE, DOCUMENTED_STATUS, DOCUMENTED_HEAD_BYTES, DOCUMENTED_VALUE_HEAD_BYTES },
    ...{ DOCUMENTED_REPLY_HEAD_BYTES, FRAME_OPCODE: first(FRAME_OPCODE, 10), REPLY_BIT, FRAME_FLAG },
    REQUEST_FLAGS: REQUEST_FLAGS.map((flags, opcode) => (isOfTheBeginning(opcode) ? flags : 0)),
    ...{ REPLY_FLAGS_KNOWN, CONSISTENCY, DURABILITY_OF_SERVER, OUTCOME, REQUEST_AT, REPLY_AT },
    ...{ FRAME_REQUEST_HEAD_BYTES, FRAME_REPLY_HEAD_BYTES, NONCE_BYTES, NODE_ID_BYTES, PROOF_BYTES },
    ...{ HELLO_BODY_BYTES, HELLO_REPLY_BODY_BYTES, KEY_BYTES_MAX, VALUE_BYTES_MAX, FRAME_BYTES_MAX },
    ...{
      CAPABILITY: first(CAPABILITY, 4),
      SCAN_REQUEST_HEAD_BYTES,
      SCAN_PAGE_HEAD_BYTES,
      SCAN_ENTRY_HEAD_BYTES,
    },
    ...{ BATCH_OPERATION_HEAD_BYTES, BATCH_BYTES_MAX, BATCH_OPERATIONS_MAX },
    errors: Object.entries(ERROR).slice(0, 29),
  }
  const hash = createHash('sha256').update(JSON.stringify(layout)).digest('hex').slice(0, 16)
  t.equal(
    hash,
    LAYOUTS[PROTOCOL_VERSION],
    'raise PROTOCOL_VERSION and add a line to the history in docs/PROTOCOL.md',
  )
  const history = tableBelow('History of the frame form').map(([version]) => Number(version))
  t.same(history, [...LAYOUTS.keys()], 'each version has its line in the history')
  t.equal(LAYOUTS.length, PROTOCOL_VERSION + 1)
})

t.test("the README's example does what its comments say", async (t) => {
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
  const example = /```ts\n([\s\S]*?)```/.exec(readme)![1]!
  const printed = [...example.matchAll(/console\.log\(.*\) \/\/ (.*?)(?: \(.*)?$/gm)].map((match) => match[1])
  t.equal(printed.length, 4)
  const file = join(t.testdir({ 'example.ts': example }), 'example.ts')
  const log = t.capture(console, 'log')
  await import(pathToFileURL(file).href)
  t.same(
    log().map(({ args }) => args.join(' ')),
    printed,
  )
})
