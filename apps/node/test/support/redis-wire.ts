/**
 * A connection that speaks the Redis protocol and shows each reply as it stands on the wire, so that two
 * servers can be compared: `+OK`, `:1`, `-ERR …`, `$nil`, `$68656c6c6f` (bulk strings in hex), `[…]`.
 */
import net from 'node:net'

export type Word = string | Uint8Array
export type Shown = string | Shown[]

export class RedisWire {
  readonly #socket: net.Socket
  readonly #waiting: ((reply: Shown) => void)[] = []
  #bytes = Buffer.alloc(0)

  static async connect(port: number): Promise<RedisWire> {
    const socket = net.connect(port, '127.0.0.1')
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    return new RedisWire(socket)
  }

  private constructor(socket: net.Socket) {
    this.#socket = socket.setNoDelay(true)
    socket.on('data', (data) => this.#take(data))
    socket.on('error', () => {})
    socket.on('close', () => {
      for (const resolve of this.#waiting.splice(0)) resolve('closed')
    })
  }

  ask(...words: Word[]): Promise<Shown> {
    return this.askAll([words]).then(([reply]) => reply!)
  }

  /** In one write. */
  askAll(commands: readonly (readonly Word[])[]): Promise<Shown[]> {
    const replies = commands.map(() => new Promise<Shown>((resolve) => this.#waiting.push(resolve)))
    this.#socket.write(Buffer.concat(commands.map(encoded)))
    return Promise.all(replies)
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(data: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, data])
    let at = 0
    for (;;) {
      const read = readReply(this.#bytes, at)
      if (read === null) break
      at = read.end
      this.#waiting.shift()?.(read.reply)
    }
    this.#bytes = this.#bytes.subarray(at)
  }
}

function encoded(words: readonly Word[]): Buffer {
  const parts: Uint8Array[] = [Buffer.from(`*${words.length}\r\n`)]
  for (const word of words) {
    const bytes = Buffer.from(word as string)
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'))
  }
  return Buffer.concat(parts)
}

/** Null: it has not come whole. */
function readReply(bytes: Buffer, start: number): { reply: Shown; end: number } | null {
  const lineEnd = bytes.indexOf('\r\n', start)
  if (lineEnd < 0) return null
  const kind = String.fromCharCode(bytes[start]!)
  const line = bytes.toString('latin1', start, lineEnd)
  const after = lineEnd + 2
  if (kind !== '$' && kind !== '*') return { reply: line, end: after }
  const length = Number(line.slice(1))
  if (length < 0) return { reply: `${kind}nil`, end: after }
  if (kind === '$') {
    if (bytes.length < after + length + 2) return null
    return { reply: `$${bytes.toString('hex', after, after + length)}`, end: after + length + 2 }
  }
  const items: Shown[] = []
  let at = after
  for (let index = 0; index < length; index++) {
    const item = readReply(bytes, at)
    if (item === null) return null
    items.push(item.reply)
    at = item.end
  }
  return { reply: items, end: at }
}
