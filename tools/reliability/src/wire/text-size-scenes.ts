/** What row 11 plays to a node over HTTP and RESP. */
import net from 'node:net'
import { VALUE_BYTES_MAX } from '@minivault/protocol'
import type { Scene } from './size-scenes.ts'
import { bulk, httpRequest, respCommand } from './text-requests.ts'

const MEBIBYTE = 1024 * 1024
const FOUR_GIBIBYTES = 2 ** 32
const ANSWER_TIMEOUT_MS = 60_000
/** So long after the last byte a connection that says nothing is taken to wait. */
const SILENCE_MS = 1200
const RAW = ['Content-Type: application/octet-stream']

interface Case {
  what: string
  /** Sent as far as the node takes it. */
  sent: () => Iterable<Buffer>
  /** What comes back begins so. */
  wanted: RegExp
}

const STATUS = {
  ok: /^HTTP\/1\.1 200 /,
  tooLarge: /^HTTP\/1\.1 413 /,
  bad: /^HTTP\/1\.1 400 /,
  tooLong: /^HTTP\/1\.1 41/,
}
const OK = /^\+OK\r\n/
const ERR = /^-ERR /

/** All that is said until it is as wanted, or the end. */
async function heard(port: number, { sent, wanted }: Case): Promise<string> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
  let text = ''
  let isOver = false
  const over = new Promise<void>((resolve) => {
    const end = () => {
      isOver = true
      resolve()
    }
    socket.on('error', () => {}).on('close', end)
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1')
      if (wanted.test(text)) end()
    })
  })
  const timer = setTimeout(() => socket.destroy(), ANSWER_TIMEOUT_MS)
  for (const piece of sent()) {
    if (isOver) break
    if (!socket.write(piece)) await Promise.race([new Promise((go) => socket.once('drain', go)), over])
  }
  await over
  clearTimeout(timer)
  socket.destroy()
  return text
}

async function play(port: number, cases: readonly Case[]): Promise<string[]> {
  const answers = await Promise.all(cases.map((one) => heard(port, one)))
  return cases.flatMap(({ what, wanted }, index) =>
    wanted.test(answers[index]!) ? [] : [`${what}: ${answers[index]!.split('\r\n')[0] || 'no answer'}`],
  )
}

const put = (path: string, body: Buffer, announced?: number, headers = RAW) =>
  httpRequest({ method: 'PUT', path, headers, body, ...(announced === undefined ? {} : { announced }) })

const setHead = (key: string, announced: number) =>
  Buffer.concat([Buffer.from('*3\r\n'), bulk('SET'), bulk(key), Buffer.from(`$${announced}\r\n`)])

const TEN = Buffer.alloc(10)

const ANNOUNCING: readonly Case[] = [
  { what: 'HTTP, 4 GiB', sent: () => [put('/size', TEN, FOUR_GIBIBYTES)], wanted: STATUS.tooLarge },
  {
    what: 'HTTP, 4 GiB of JSON',
    sent: () => [put('/size', TEN, FOUR_GIBIBYTES, [])],
    wanted: STATUS.tooLarge,
  },
  { what: 'RESP, 1,048,577 arguments', sent: () => [Buffer.from('*1048577\r\n$3\r\n')], wanted: ERR },
  { what: 'RESP, 4 GiB', sent: () => [setHead('size', FOUR_GIBIBYTES), TEN], wanted: ERR },
  { what: 'RESP, 4 GiB of a name', sent: () => [Buffer.from('*1\r\n$4294967296\r\nG')], wanted: ERR },
]

const announced: Scene = {
  name: 'announced 4 GiB over HTTP and RESP',
  async run({ port, connections }) {
    const cases = Array.from({ length: connections }, (_, index) => ANNOUNCING[index % ANNOUNCING.length]!)
    return { cases: connections, failures: await play(port, cases) }
  },
}

const SOME = Buffer.alloc(2000, 'v')
const HEADERS = Array.from({ length: 200 }, (_, index) => `X-${index}: ${'v'.repeat(200)}\r\n`).join('')

/** Within the bounds, so nothing to refuse; but only what has come may take memory. */
const BEGUN: readonly Buffer[] = [
  put('/begun', SOME, VALUE_BYTES_MAX),
  put('/begun', SOME, VALUE_BYTES_MAX, []),
  Buffer.from(
    `PUT /begun HTTP/1.1\r\nHost: node\r\n${RAW[0]}\r\nTransfer-Encoding: chunked\r\n\r\n6400000\r\nv`,
  ),
  Buffer.from(`GET /begun HTTP/1.1\r\nHost: node\r\n${HEADERS}`),
  Buffer.concat([setHead('begun', VALUE_BYTES_MAX), SOME]),
  Buffer.concat([Buffer.from(`*1048576\r\n$${VALUE_BYTES_MAX}\r\n`), SOME]),
  Buffer.from(`*1048576\r\n${'$0\r\n\r\n'.repeat(300)}`),
  Buffer.concat([Buffer.from(`*2\r\n`), bulk('GET'), Buffer.from('$65535\r\nk')]),
]

const begun: Scene = {
  name: 'announced 100 MiB over HTTP and RESP and a few bytes of it sent',
  async run({ port, connections }) {
    let closed = 0
    const sockets = Array.from({ length: connections }, (_, index) => {
      const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
      socket.on('error', () => {}).on('close', () => closed++)
      socket.write(BEGUN[index % BEGUN.length]!)
      return socket.resume()
    })
    await new Promise((resolve) => setTimeout(resolve, SILENCE_MS))
    const failures = closed > 0 ? [`${closed} were closed`] : []
    for (const socket of sockets) socket.destroy()
    return { cases: connections, failures }
  },
}

function* endlessChunks(headers: readonly string[], first: string): Generator<Buffer> {
  yield httpRequest({ method: 'PUT', path: '/size', headers: [...headers, 'Transfer-Encoding: chunked'] })
  yield Buffer.from(`${first.length.toString(16)}\r\n${first}\r\n`)
  const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(MEBIBYTE, 'v'), Buffer.from('\r\n')])
  for (let sent = 0; sent < 1000 * MEBIBYTE; sent += MEBIBYTE) yield chunk
}

function* setOf(bytes: number): Generator<Buffer> {
  yield setHead('size', bytes)
  yield Buffer.alloc(bytes, 'v')
  yield Buffer.from('\r\n')
}

const values: Scene = {
  name: 'values at the bound over HTTP and RESP',
  async run({ port }) {
    const over = VALUE_BYTES_MAX + 1
    const cases: Case[] = [
      { what: 'HTTP, 100 MiB', sent: () => [put('/size', Buffer.alloc(VALUE_BYTES_MAX))], wanted: STATUS.ok },
      { what: 'HTTP, a byte more', sent: () => [put('/size', Buffer.alloc(over))], wanted: STATUS.tooLarge },
      { what: 'HTTP, chunks without end', sent: () => endlessChunks(RAW, 'v'), wanted: STATUS.tooLarge },
      {
        what: 'HTTP, JSON without end',
        sent: () => endlessChunks([], '{"value":"'),
        wanted: STATUS.tooLarge,
      },
      { what: 'RESP, 100 MiB', sent: () => setOf(VALUE_BYTES_MAX), wanted: OK },
      { what: 'RESP, a byte more', sent: () => setOf(over), wanted: ERR },
    ]
    const failures: string[] = []
    for (const one of cases) failures.push(...(await play(port, [one])))
    return { cases: cases.length, failures }
  },
}

const keys: Scene = {
  name: 'keys at the bounds over HTTP and RESP',
  async run({ port }) {
    const of = (bytes: number, wanted: RegExp): Case => ({
      what: `RESP, a key of ${bytes} bytes`,
      sent: () => [respCommand('SET', Buffer.alloc(bytes, 'k'), 'v')],
      wanted,
    })
    const path = (bytes: number, wanted: RegExp): Case => ({
      what: `HTTP, a key of ${bytes} bytes`,
      sent: () => [put(`/${'%6b'.repeat(bytes)}`, TEN)],
      wanted,
    })
    const cases = [of(0, ERR), of(1, OK), of(65_535, OK), of(65_536, ERR)]
    cases.push(path(0, STATUS.bad), path(1, STATUS.ok), path(65_535, STATUS.ok), path(65_536, STATUS.tooLong))
    return { cases: cases.length, failures: await play(port, cases) }
  },
}

/** Heads that come to no end, at the bound and beyond it. */
const heads: Scene = {
  name: 'heads of HTTP without an end',
  async run({ port, connections }) {
    const flood = Buffer.from(`GET /size HTTP/1.1\r\nHost: node\r\n${HEADERS.repeat(10)}`)
    const wanted = /^HTTP\/1\.1 431 /
    const cases = Array.from(
      { length: Math.ceil(connections / 10) },
      (): Case => ({ what: 'a head of 430 KB', sent: () => [flood], wanted }),
    )
    return { cases: cases.length, failures: await play(port, cases) }
  },
}

export const TEXT_SIZE_SCENES: readonly Scene[] = [announced, begun, keys, values, heads]
