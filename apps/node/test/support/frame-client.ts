/** A plain client of the frame form: frames out, frames in, paired by their ids. */
import net from 'node:net'
import { Version } from '@minivault/clock'
import {
  authProof,
  decodeFrameReply,
  decodeHelloReply,
  decodeScanPage,
  encodeBatch,
  encodeFrameRequest,
  encodeHello,
  encodeScanRequest,
  FRAME_FLAG,
  FRAME_OPCODE,
  FrameReply,
  FrameRequest,
  frameRequestBytes,
  type HelloReply,
  readI64,
  SCAN_PAGE_HEAD_BYTES,
  type ScanWanted,
  writeI64,
} from '@minivault/protocol'
import type { Test } from 'tap'
import { type Node, type NodeOptions, startNode } from '../../src/node.ts'
import { temporaryFolder } from './server.ts'

const EMPTY = Buffer.alloc(0)

export type Bytes = string | Uint8Array

/** Of a request, what is not at its default. */
export interface Asking {
  key?: Bytes
  value?: Bytes
  flags?: number
  frameId?: number
  consistency?: number
  durability?: number
  requestId?: Version
  attempt?: number
  codec?: number
  deadlineMs?: number
  /** 24 hex digits; sets the flag. */
  ifVersion?: string
  totalBytes?: number
  chunkOffset?: number
  ttlMs?: number
}

/** A reply; of one in chunks, the last frame and the whole value. */
export interface FrameAnswer {
  opcode: number
  flags: number
  outcome: number
  error: number
  version: string
  total: number
  /** Of the first frame. */
  offset: number
  frames: number
  value: Buffer
  retryAfterMs: number
}

export interface PageEntry {
  key: string
  value: string
  isJson: boolean
  isTooLarge: boolean
  valueBytes: number
  version: string
  expiresAtMs: number
}

export interface Page {
  entries: PageEntry[]
  cursor: Buffer
  hasMore: boolean
  bytes: number
}

interface Waiting {
  resolve: (answer: FrameAnswer) => void
  reject: (error: Error) => void
  pieces: Buffer[]
  offset: number
}

export function frameOf(opcode: number, asking: Asking, frameId: number): Buffer {
  const { key = EMPTY, value = EMPTY, ifVersion, requestId, flags = 0 } = asking
  const keyBytes = Buffer.from(key)
  const valueBytes = Buffer.from(value)
  const request = new FrameRequest().begin(opcode, frameId)
  const { consistency, durability, attempt, codec, deadlineMs, totalBytes, chunkOffset, ttlMs } = asking
  const given = { consistency, durability, attempt, codec, deadlineMs, totalBytes, chunkOffset, ttlMs }
  for (const [name, field] of Object.entries(given)) {
    if (field !== undefined) Object.assign(request, { [name]: field })
  }
  request.flags = flags | (ifVersion === undefined ? 0 : FRAME_FLAG.ifVersion)
  if (ifVersion !== undefined) request.expectedVersion.copy(Version.parse(ifVersion))
  if (requestId !== undefined) request.requestId.copy(requestId)
  const frame = Buffer.alloc(frameRequestBytes(keyBytes.length, valueBytes.length))
  encodeFrameRequest(request, keyBytes, valueBytes, 0, valueBytes.length, frame, 0)
  return frame
}

export class FrameClient {
  readonly socket: net.Socket
  hello!: HelloReply
  readonly closed: Promise<void>
  #bytes = EMPTY
  #nextId = 1
  readonly #waiting = new Map<number, Waiting>()
  readonly #reply = new FrameReply()

  constructor(port: number) {
    this.socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    this.socket.on('error', () => {})
    this.closed = new Promise((resolve) =>
      this.socket.on('close', () => {
        for (const { reject } of this.#waiting.values()) reject(new Error('connection closed'))
        resolve()
      }),
    )
    this.socket.on('data', (bytes) => {
      this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes])
      this.#deliver()
    })
  }

  /** Greets, and shows the key where there is one. */
  static async open(port: number, key?: string): Promise<FrameClient> {
    const client = new FrameClient(port)
    const nonce = Buffer.alloc(16, 7)
    const { value } = await client.ask(FRAME_OPCODE.hello, { value: encodeHello(nonce) })
    client.hello = decodeHelloReply(value)
    if (key === undefined) return client
    const proof = authProof(Buffer.from(key), client.hello.nonce, nonce)
    await client.ask(FRAME_OPCODE.auth, { value: proof })
    return client
  }

  ask(opcode: number, asking: Asking = {}): Promise<FrameAnswer> {
    const frameId = asking.frameId ?? this.#nextId++
    return this.send(frameOf(opcode, asking, frameId), frameId)
  }

  /** Bytes whose reply has this id. */
  send(bytes: Uint8Array, frameId: number): Promise<FrameAnswer> {
    const answer = this.expect(frameId)
    this.socket.write(bytes)
    return answer
  }

  expect(frameId: number): Promise<FrameAnswer> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(frameId, { resolve, reject, pieces: [], offset: -1 })
    })
  }

  #deliver(): void {
    const reply = this.#reply
    let at = 0
    for (;;) {
      const length = decodeFrameReply(this.#bytes, at, this.#bytes.length, reply)
      if (length < 0) throw new Error('no reply')
      if (length === 0) break
      at += length
      this.#take(this.#waiting.get(reply.frameId))
    }
    this.#bytes = this.#bytes.subarray(at)
  }

  #take(waiting: Waiting | undefined): void {
    const reply = this.#reply
    if (waiting === undefined) throw new Error(`nobody waits for frame ${reply.frameId}`)
    waiting.pieces.push(Buffer.from(this.#bytes.subarray(reply.valueStart, reply.valueEnd)))
    if (waiting.offset < 0) waiting.offset = reply.chunkOffset
    const chunkAndMore = FRAME_FLAG.chunk | FRAME_FLAG.more
    if ((reply.flags & chunkAndMore) === chunkAndMore) return
    this.#waiting.delete(reply.frameId)
    waiting.resolve({
      opcode: reply.opcode,
      flags: reply.flags,
      outcome: reply.outcome,
      error: reply.error,
      version: reply.version.toString(),
      total: reply.totalBytes,
      offset: waiting.offset,
      frames: waiting.pieces.length,
      value: Buffer.concat(waiting.pieces),
      retryAfterMs: reply.retryAfterMs,
    })
  }

  get(key: Bytes, asking: Asking = {}): Promise<FrameAnswer> {
    return this.ask(FRAME_OPCODE.get, { key, ...asking })
  }

  async text(key: Bytes): Promise<string | null> {
    const { outcome, value } = await this.get(key)
    return outcome === 0 ? value.toString() : null
  }

  set(key: Bytes, value: Bytes, asking: Asking = {}): Promise<FrameAnswer> {
    return this.ask(FRAME_OPCODE.set, { key, value, ...asking })
  }

  delete(key: Bytes, asking: Asking = {}): Promise<FrameAnswer> {
    return this.ask(FRAME_OPCODE.delete, { key, ...asking })
  }

  touch(key: Bytes, ttlMs: number, asking: Asking = {}): Promise<FrameAnswer> {
    return this.ask(FRAME_OPCODE.touch, { key, ttlMs, ...asking })
  }

  increment(key: Bytes, by: bigint, asking: Asking = {}): Promise<FrameAnswer & { sum: bigint }> {
    const value = Buffer.alloc(8)
    writeI64(by, value, 0)
    return this.ask(FRAME_OPCODE.increment, { key, value, ...asking }).then((answer) => ({
      ...answer,
      sum: answer.error === 0 ? readI64(answer.value, 0) : 0n,
    }))
  }

  batch(
    writes: { key: string; value: Bytes | null; isJson?: boolean; ttlMs?: number }[],
    asking: Asking = {},
  ): Promise<FrameAnswer> {
    const value = encodeBatch(
      writes.map((write) => ({
        ...write,
        key: Buffer.from(write.key),
        value: write.value === null ? null : Buffer.from(write.value),
      })),
    )
    return this.ask(FRAME_OPCODE.batch, { value, ...asking })
  }

  /** A value in chunks of this size. */
  async inChunks(opcode: number, asking: Asking, chunkBytes: number): Promise<FrameAnswer> {
    const { value = EMPTY, key = EMPTY, flags = 0, ...rest } = asking
    const whole = Buffer.from(value)
    const frameId = asking.frameId ?? this.#nextId++
    const answer = this.expect(frameId)
    for (let offset = 0; offset < whole.length; offset += chunkBytes) {
      const isLast = offset + chunkBytes >= whole.length
      const chunk = {
        ...rest,
        key: offset === 0 ? key : EMPTY,
        value: whole.subarray(offset, offset + chunkBytes),
        flags: flags | FRAME_FLAG.chunk | (isLast ? 0 : FRAME_FLAG.more),
        totalBytes: whole.length,
        chunkOffset: offset,
      }
      this.socket.write(frameOf(opcode, chunk, frameId))
    }
    return answer
  }

  async page(prefix: Bytes, wanted: ScanWanted = {}, asking: Asking = {}): Promise<Page> {
    const value = encodeScanRequest(wanted)
    const answer = await this.ask(FRAME_OPCODE.scan, { key: prefix, value, ...asking })
    if (answer.error !== 0) throw Object.assign(new Error(answer.value.toString()), { answer })
    const bytes = answer.value
    const entries: PageEntry[] = []
    const keysOnly = ((asking.flags ?? 0) & FRAME_FLAG.noValue) !== 0
    const cursorBytes = decodeScanPage(bytes, 0, bytes.length, keysOnly, (entry) => {
      const { isJson, isTooLarge, valueBytes, expiresAtMs } = entry
      entries.push({
        key: bytes.toString('latin1', entry.keyStart, entry.keyEnd),
        value: bytes.toString('latin1', entry.valueStart, entry.valueEnd),
        version: entry.version.toString(),
        isJson,
        isTooLarge,
        valueBytes,
        expiresAtMs,
      })
    })
    if (cursorBytes < 0) throw new Error('no page')
    const cursor = bytes.subarray(SCAN_PAGE_HEAD_BYTES, SCAN_PAGE_HEAD_BYTES + cursorBytes)
    const hasMore = (answer.flags & FRAME_FLAG.more) !== 0
    return { entries, cursor, hasMore, bytes: bytes.length }
  }

  /** All pages. */
  async entries(prefix: Bytes, wanted: ScanWanted = {}, asking: Asking = {}): Promise<PageEntry[]> {
    const all: PageEntry[] = []
    let page = await this.page(prefix, wanted, asking)
    all.push(...page.entries)
    while (page.hasMore) {
      page = await this.page(prefix, { ...wanted, cursor: page.cursor }, asking)
      all.push(...page.entries)
    }
    return all
  }

  close(): void {
    this.socket.destroy()
  }
}

export interface Running {
  node: Node
  client: FrameClient
}

/** A node inside this process, on a free port, and a client that has greeted it. */
export async function startFrames(t: Test, options: Partial<NodeOptions> = {}): Promise<Running> {
  const node = await startNode({ port: 0, host: '127.0.0.1', directory: temporaryFolder(t), ...options })
  const client = await FrameClient.open(node.port, options.authKey ?? undefined)
  t.teardown(async () => {
    client.close()
    await node.close()
  })
  return { node, client }
}

/** An id for a request, above all that was written so far. */
export function requestNow(counter = 0, writer = 0x1234): Version {
  return Version.of(Date.now() + 5, counter, writer)
}
