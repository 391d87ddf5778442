/** What row 11 plays to a node: each scene says how many cases it was and what was not as it must be. */
import { CHUNK_BYTES, ERROR, FRAME_FLAG, FRAME_OPCODE, VALUE_BYTES_MAX } from '@minivault/protocol'
import { lz4Bomb, zstdBomb, zstdBombInFrames } from './bombs.ts'
import {
  BINARY_FORMS,
  DOCUMENTED,
  deleteRequest,
  documentedRequest,
  type Form,
  frameRequest,
  getRequest,
  setRequest,
} from './requests.ts'
import { WireClient } from './wire-client.ts'

const FOUR_GIBIBYTES = 0xffffffff
const KEY = Buffer.from('size')
const ANSWER_TIMEOUT_MS = 60_000

export interface Stage {
  port: number
  /** How many announce at once. */
  connections: number
}

export interface Scene {
  name: string
  run(stage: Stage): Promise<{ cases: number; failures: string[] }>
}

/** `refused`: an error under any number; else the number of the frame form. */
type Wanted = 'ok' | 'refused' | number

interface Case {
  what: string
  form: Form
  /** Sent together; the last one's answer counts. */
  requests: Buffer[]
  wanted: Wanted
  /** The answers before the last. */
  before?: number
}

async function answerOf(client: WireClient, { requests, before = 0 }: Case): Promise<number> {
  const replies = Array.from({ length: before + 1 }, () => client.next())
  for (const request of requests) {
    if (client.isClosed) break
    if (!client.socket.write(request)) {
      await Promise.race([new Promise((resolve) => client.socket.once('drain', resolve)), client.closed])
    }
  }
  const timer = setTimeout(() => client.close(), ANSWER_TIMEOUT_MS)
  try {
    return (await replies.at(-1)!).error
  } finally {
    clearTimeout(timer)
  }
}

function isWanted(error: number, { wanted, form }: Case): boolean {
  if (wanted === 'ok') return error === ERROR.NONE
  if (wanted === 'refused' || form === 'documented') return error !== ERROR.NONE
  return error === wanted
}

/** All at once, each on a connection of its own. */
async function play(port: number, cases: readonly Case[]) {
  const failures: string[] = []
  await Promise.all(
    cases.map(async (one) => {
      const { what, form, wanted } = one
      const client = await WireClient.connect({ port, form })
      try {
        const error = await answerOf(client, one)
        if (!isWanted(error, one)) failures.push(`${form}, ${what}: answered ${error}, not ${wanted}`)
      } catch (error) {
        failures.push(`${form}, ${what}: ${(error as Error).message}`)
      } finally {
        client.close()
      }
    }),
  )
  return { cases: cases.length, failures }
}

/** The frames of a value in chunks. */
function chunked(value: Buffer, codec = 0, totalBytes = value.length): Buffer[] {
  const frames: Buffer[] = []
  for (let offset = 0; offset < value.length; offset += CHUNK_BYTES) {
    const end = Math.min(value.length, offset + CHUNK_BYTES)
    frames.push(
      frameRequest({
        opcode: FRAME_OPCODE.set,
        codec,
        ...(offset === 0 ? { key: KEY } : {}),
        value: value.subarray(offset, end),
        fill: (request) => {
          request.flags = FRAME_FLAG.chunk | (end < value.length ? FRAME_FLAG.more : 0)
          request.totalBytes = totalBytes
          request.chunkOffset = offset
        },
      }),
    )
  }
  return frames
}

function announcing(): Case[] {
  const value = Buffer.alloc(10)
  const what = '4 GiB announced'
  const set = { opcode: DOCUMENTED.set, key: KEY, value, announced: FOUR_GIBIBYTES }
  const documented: Case = { what, form: 'documented', requests: [documentedRequest(set)], wanted: 'refused' }
  const frame: Case = {
    what: `a frame with ${what}`,
    form: 'frame',
    requests: [frameRequest({ opcode: FRAME_OPCODE.set, key: KEY, value, announced: FOUR_GIBIBYTES })],
    wanted: ERROR.FRAME_TOO_LARGE,
  }
  const chunk: Case = {
    what: `chunks with ${what}`,
    form: 'frame',
    requests: chunked(Buffer.alloc(2 * CHUNK_BYTES), 0, FOUR_GIBIBYTES).slice(0, 1),
    wanted: ERROR.VALUE_TOO_LARGE,
  }
  return [documented, frame, chunk]
}

const announced: Scene = {
  name: 'announced 4 GiB',
  run: ({ port, connections }) => {
    const kinds = announcing()
    return play(
      port,
      Array.from({ length: connections }, (_, index) => kinds[index % kinds.length]!),
    )
  },
}

/** Within the bound, so nothing to refuse; but only what has come may take memory. */
const begun: Scene = {
  name: 'announced 100 MiB and a few bytes of it sent',
  async run({ port, connections }) {
    const value = Buffer.alloc(2000)
    const set = (codec: number) => setRequest('documented', KEY, value, { announced: VALUE_BYTES_MAX, codec })
    // What is raw goes to a file as it comes; what is compressed is kept until all of it has come.
    const kinds: [Form, Buffer][] = [
      ['documented', set(0)],
      ['documented', set(1)],
      ['frame', chunked(Buffer.alloc(CHUNK_BYTES + 1), 0, VALUE_BYTES_MAX)[0]!],
      ['frame', chunked(Buffer.alloc(4000), 1, VALUE_BYTES_MAX)[0]!.subarray(0, -1)],
    ]
    const clients = await Promise.all(
      Array.from({ length: connections }, (_, index) =>
        WireClient.connect({ port, form: kinds[index % kinds.length]![0] }),
      ),
    )
    const send = (start: number, end?: number) => {
      for (const [index, { socket }] of clients.entries())
        socket.write(kinds[index % kinds.length]![1].subarray(start, end))
    }
    send(0, 1000)
    await new Promise((resolve) => setTimeout(resolve, 200))
    send(1000)
    await new Promise((resolve) => setTimeout(resolve, 1000))
    const closed = clients.filter(({ isClosed }) => isClosed).length
    for (const client of clients) client.close()
    return { cases: connections, failures: closed > 0 ? [`${closed} were closed`] : [] }
  },
}

function valuesAtTheBound(): Case[] {
  const whole = Buffer.alloc(VALUE_BYTES_MAX, 'v')
  const more = Buffer.alloc(VALUE_BYTES_MAX + 1, 'v')
  const set = (value: Buffer) => [setRequest('documented', KEY, value)]
  const what = { whole: '100 MiB', more: '100 MiB and a byte' }
  return [
    { what: what.whole, form: 'documented', requests: set(whole), wanted: 'ok' },
    { what: what.more, form: 'documented', requests: set(more), wanted: 'refused' },
    { what: what.whole, form: 'frame', requests: chunked(whole), wanted: 'ok' },
    { what: what.more, form: 'frame', requests: chunked(more), wanted: ERROR.VALUE_TOO_LARGE },
  ]
}

const values: Scene = {
  name: 'values at the bound',
  async run({ port }) {
    const failures: string[] = []
    const cases = valuesAtTheBound()
    // One after another: how many at once fit is another scene's question.
    for (const one of cases) failures.push(...(await play(port, [one])).failures)
    return { cases: cases.length, failures }
  },
}

/** A key of 65,536 bytes cannot be said in the two bytes of its length; HTTP can say it. */
async function longKeyOverHttp(port: number): Promise<string[]> {
  const status = async (bytes: number) => {
    const body = JSON.stringify({ value: 1 })
    const response = await fetch(`http://127.0.0.1:${port}/${'k'.repeat(bytes)}`, { method: 'PUT', body })
    await response.arrayBuffer()
    return response.status
  }
  const answers = [await status(65_535), await status(65_536)]
  return answers[0] === 200 && answers[1] === 414 ? [] : [`HTTP answered ${answers}, not 200,414`]
}

const keys: Scene = {
  name: 'keys at the bounds',
  async run({ port }) {
    const value = Buffer.from('v')
    const cases: Case[] = []
    for (const form of BINARY_FORMS) {
      for (const bytes of [0, 1, 65_535]) {
        const key = Buffer.alloc(bytes, 'k')
        const what = `a key of ${bytes} bytes`
        const wanted = bytes === 0 ? ERROR.KEY_MISSING : 'ok'
        const requests = [setRequest(form, key, value), getRequest(form, key), deleteRequest(form, key)]
        cases.push({ what: `${what}, set`, form, requests: requests.slice(0, 1), wanted })
        cases.push({ what: `${what}, set, get, delete`, form, requests, before: 2, wanted })
      }
    }
    const failures: string[] = []
    for (const one of cases) failures.push(...(await play(port, [one])).failures)
    failures.push(...(await longKeyOverHttp(port)))
    return { cases: cases.length + 2, failures }
  },
}

const OVER = VALUE_BYTES_MAX + 1

const bombs: Scene = {
  name: 'bombs',
  run({ port }) {
    const kinds: [string, Buffer, number][] = [
      ['zstd that announces too much', zstdBomb(OVER, OVER), 1],
      ['zstd that announces nothing', zstdBomb(OVER), 1],
      ['zstd that announces less', zstdBomb(OVER, 1000), 1],
      ['zstd of 4 GiB', zstdBomb(4_000 * 1024 * 1024), 1],
      ['zstd of 101 frames of a MiB', zstdBombInFrames(101 * 1024 * 1024, 101), 1],
      ['lz4', lz4Bomb(OVER), 2],
    ]
    const cases = kinds.flatMap(([what, value, codec]): Case[] => [
      {
        what,
        form: 'documented',
        requests: [setRequest('documented', KEY, value, { codec })],
        wanted: 'refused',
      },
      {
        what,
        form: 'frame',
        requests:
          value.length > CHUNK_BYTES ? chunked(value, codec) : [setRequest('frame', KEY, value, { codec })],
        wanted: ERROR.BAD_COMPRESSION,
      },
    ])
    return play(port, cases)
  },
}

/** Each is within the bound and is taken; together they are more than the machine of the claim has. */
const manyBombs: Scene = {
  name: '16 values of 100 MiB from 3 KB at once',
  run({ port }) {
    const value = zstdBomb(VALUE_BYTES_MAX, VALUE_BYTES_MAX)
    const cases = Array.from({ length: 16 }, (_, index): Case => {
      const form = BINARY_FORMS[index % 2]!
      return {
        what: 'a large value',
        form,
        requests: [setRequest(form, KEY, value, { codec: 1 })],
        wanted: 'ok',
      }
    })
    return play(port, cases)
  },
}

export const SIZE_SCENES: readonly Scene[] = [announced, begun, keys, values, bombs, manyBombs]
