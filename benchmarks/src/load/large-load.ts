/**
 * One large value over a connection of its own, to a server and back: the time from the first byte sent to
 * the reply (SET), or from the request to the last byte (GET). The value is one random block over and over:
 * the generator holds a megabyte of it and sends it as fast as the socket takes it.
 *
 * Two languages: `documented` is minivault's; `pipe` is what `pipe-main.ts` understands: a byte that says
 * which way, then nothing but the value.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { readCpuSeconds } from '../servers/server-process.ts'
import { keyName, type Operation } from './language.ts'
import { LANGUAGES } from './languages.ts'

export interface LargeOptions {
  readonly host: string
  readonly port: number
  readonly serverPid: number
  readonly language: 'documented' | 'pipe'
  readonly operation: Operation
  readonly valueBytes: number
  /** GET: compare every byte with what was sent; not for what is timed. */
  readonly isChecked: boolean
}

export interface LargeFigures {
  readonly seconds: number
  readonly megabytesPerSecond: number
  readonly serverCpuSeconds: number
  readonly invalid: string | null
}

export const PIPE_OPERATION = { set: 'S', get: 'G', done: 'D' } as const

const BLOCK_BYTES = 2 ** 20
const READ_BYTES = 2 ** 20
const TIMEOUT_MS = 60_000
const block = randomBytes(BLOCK_BYTES)

export async function transferLargeValue(options: LargeOptions): Promise<LargeFigures> {
  const reply = new LargeReply(options)
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  const onread = {
    buffer,
    callback: (length: number) => {
      reply.take(buffer, length)
      return true
    },
  }
  const { host, port, operation, valueBytes, serverPid } = options
  const socket = connect({ host, port, noDelay: true, allowHalfOpen: true, onread })
  socket.on('error', (error) => reply.fail(`the connection failed: ${error.message}`))
  socket.on('close', () => reply.fail('the server closed the connection'))
  socket.setTimeout(TIMEOUT_MS, () => reply.fail(`nothing moved for ${TIMEOUT_MS / 1000} s`))
  await Promise.race([once(socket, 'connect'), reply.whole])
  const cpuBefore = readCpuSeconds(serverPid)
  const started = performance.now()
  socket.write(requestHead(options))
  if (operation === 'set') await Promise.race([sendValue(socket, options), reply.whole])
  const invalid = await reply.whole
  const seconds = (performance.now() - started) / 1000
  const serverCpuSeconds = readCpuSeconds(serverPid) - cpuBefore
  socket.removeAllListeners('close').destroy()
  return { seconds, megabytesPerSecond: valueBytes / 1e6 / seconds, serverCpuSeconds, invalid }
}

function requestHead({ language, operation, valueBytes }: LargeOptions): Buffer {
  if (language === 'pipe') return Buffer.from(PIPE_OPERATION[operation])
  const { documented } = LANGUAGES
  const head = Buffer.alloc(documented.requestBytes(operation, 0))
  documented.writeRequest(operation, head, 0, keyName(0), 0)
  if (operation === 'set') head.writeUInt32LE(valueBytes, head.length - 5)
  return head
}

async function sendValue(socket: Socket, { valueBytes, language }: LargeOptions): Promise<void> {
  for (let at = 0; at < valueBytes; at += BLOCK_BYTES) {
    const hasRoom = socket.write(block.subarray(0, Math.min(BLOCK_BYTES, valueBytes - at)))
    if (!hasRoom) await once(socket, 'drain')
  }
  if (language === 'pipe') socket.end()
}

/** Counts what comes back; `whole` resolves to null, or to what is wrong with it. */
class LargeReply {
  readonly whole: Promise<string | null>
  readonly #head: Buffer
  readonly #bytes: number
  readonly #isChecked: boolean
  #at = 0
  #resolve!: (invalid: string | null) => void

  constructor({ language, operation, valueBytes, isChecked }: LargeOptions) {
    this.whole = new Promise((resolve) => {
      this.#resolve = resolve
    })
    if (language === 'pipe') {
      this.#head = Buffer.from(operation === 'set' ? PIPE_OPERATION.done : '')
      this.#bytes = operation === 'set' ? 1 : valueBytes
    } else {
      const { head, bytes } = LANGUAGES.documented.expectedReply(operation, valueBytes)
      this.#head = Buffer.from(head)
      this.#bytes = bytes
    }
    this.#isChecked = isChecked
  }

  take(bytes: Buffer, length: number): void {
    const headBytes = Math.min(length, Math.max(0, this.#head.length - this.#at))
    const head = this.#head.subarray(this.#at, this.#at + headBytes)
    if (!head.equals(bytes.subarray(0, headBytes))) {
      return this.fail(`the reply begins ${bytes.toString('hex', 0, headBytes)}`)
    }
    if (this.#isChecked) this.#compare(bytes, headBytes, length, this.#at + headBytes - this.#head.length)
    this.#at += length
    if (this.#at > this.#bytes) this.fail('more came than the reply has')
    else if (this.#at === this.#bytes) this.#resolve(null)
  }

  fail(reason: string): void {
    this.#resolve(reason)
  }

  #compare(bytes: Buffer, start: number, end: number, valueAt: number): void {
    for (let at = start; at < end; ) {
      const blockAt = (valueAt + at - start) % BLOCK_BYTES
      const step = Math.min(end - at, BLOCK_BYTES - blockAt)
      if (bytes.compare(block, blockAt, blockAt + step, at, at + step) !== 0) {
        return this.fail(`the value differs near byte ${valueAt + at - start}`)
      }
      at += step
    }
  }
}
