/**
 * The floor under every Node server: reads into one buffer, counts requests of one known size, answers each
 * with the same fixed bytes, all of a read in one write. It parses nothing and stores nothing. What it costs
 * is the price of Node and the kernel.
 *
 * It uses the handles below `net.Socket`, which is cheaper than any documented way; nobody should serve
 * people like this.
 */
import { createServer } from 'node:net'

interface Handle {
  onread: () => void
  readStart(): void
  setNoDelay(on: boolean): void
  useUserBuffer(buffer: Uint8Array): void
  writeBuffer(request: object, bytes: Uint8Array): number
  close(): void
}

interface StreamBinding {
  readonly WriteWrap: new () => { oncomplete?: () => void }
  readonly streamBaseState: Int32Array
  readonly kReadBytesOrError: number
  readonly kLastWriteWasAsync: number
}

const [host, requestBytesText, replyHeadHex, replyBytesText] = process.argv.slice(2) as string[]
const requestBytes = Number(requestBytesText)
const replyBytes = Number(replyBytesText)
const READ_BYTES = 512 * 1024
const REPLIES_MAX = Math.ceil(READ_BYTES / requestBytes) + 1

const binding = (process as unknown as { binding(name: string): StreamBinding }).binding('stream_wrap')
const { WriteWrap, streamBaseState, kReadBytesOrError, kLastWriteWasAsync } = binding
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES)
const replies = Buffer.alloc(replyBytes * REPLIES_MAX)
for (let at = 0; at < replies.length; at += replyBytes) replies.write(replyHeadHex!, at, 'hex')
/** By number of replies, made when first needed. */
const repliesOf: Buffer[] = []
let write = new WriteWrap()

function accept(status: number, handle: Handle): void {
  if (status !== 0) return
  let rest = 0
  handle.setNoDelay(true)
  handle.useUserBuffer(readBuffer)
  handle.onread = () => {
    const length = streamBaseState[kReadBytesOrError]!
    if (length < 0) return handle.close()
    const available = rest + length
    const count = Math.floor(available / requestBytes)
    rest = available - count * requestBytes
    if (count > 0) answer(handle, count)
  }
  handle.readStart()
}

function answer(handle: Handle, count: number): void {
  repliesOf[count] ??= replies.subarray(0, count * replyBytes)
  if (handle.writeBuffer(write, repliesOf[count]!) !== 0) return handle.close()
  // A write that goes on by itself needs its request for longer; the bytes never change.
  if (streamBaseState[kLastWriteWasAsync] !== 0) write = new WriteWrap()
}

const server = createServer()
server.listen(0, host, () => {
  ;(server as unknown as { _handle: { onconnection: typeof accept } })._handle.onconnection = accept
  process.stdout.write(`ready on port ${(server.address() as { port: number }).port}\n`)
})
