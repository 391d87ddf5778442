/**
 * One connection of the load generator: sends a batch, compares the replies in place with what they must
 * look like, and tells its load when the last one has come.
 *
 * All sockets read into one buffer (the documented `onread` of net.connect): a read is counted before the
 * next happens.
 */
import { connect, type Socket } from 'node:net'
import { ANY_BYTE, type Language } from './language.ts'
import type { ConnectionOwner, LoadConnection } from './load-connection.ts'

export class Connection implements LoadConnection {
  owner: ConnectionOwner | null = null
  socket!: Socket
  sentMs = 0
  requestCount = 0
  #waiting = 0
  /** The request whose reply comes next. */
  #request = 0
  /** How many bytes of the current reply have come. */
  #replyAt = 0

  /** Resolves when the server has taken the connection and, where there is one, answered the greeting. */
  static open(language: Language, host: string, port: number, buffer: Buffer): Promise<Connection> {
    const connection = new Connection()
    const { greeting } = language
    let received: Buffer | null = greeting === null ? null : Buffer.alloc(0)
    return new Promise((resolve, reject) => {
      const greet = (length: number) => {
        received = Buffer.concat([received!, buffer.subarray(0, length)])
        if (!greeting!.isAnswered(received)) return
        received = null
        resolve(connection)
      }
      const onread = {
        buffer,
        callback: (length: number) => {
          try {
            if (received === null) connection.#count(buffer, length)
            else greet(length)
          } catch (error) {
            reject(error)
          }
          return true
        },
      }
      const socket = connect({ host, port, noDelay: true, onread })
      connection.socket = socket
      socket.once('connect', () => {
        if (greeting === null) resolve(connection)
        else socket.write(greeting.request)
      })
      const lost = (reason: string) => {
        connection.owner?.fail(reason)
        reject(new Error(reason))
      }
      socket.on('error', (error) => lost(`a connection failed: ${error.message}`))
      socket.on('close', () => lost('the server closed a connection'))
    })
  }

  send(batch: Buffer, firstRequest: number, requestCount: number, nowMs: number): void {
    this.requestCount = requestCount
    this.#waiting = requestCount
    this.#request = firstRequest
    this.sentMs = nowMs
    this.socket.write(batch)
  }

  close(): void {
    this.owner = null
    this.socket.destroy()
  }

  #count(bytes: Buffer, length: number): void {
    const { owner } = this
    if (owner === null) return
    let at = 0
    while (at < length) {
      const operation = owner.operations[this.#request]!
      const { head, bytes: replyBytes } = owner.expected[operation]!
      const headBytes = head.length
      let replyAt = this.#replyAt
      while (replyAt < headBytes && at < length) {
        const expected = head[replyAt]!
        if (bytes[at] !== expected && expected !== ANY_BYTE) {
          const before = Buffer.from(head.subarray(0, replyAt))
          return owner.failByReply(operation, Buffer.concat([before, bytes.subarray(at, length)]))
        }
        at++
        replyAt++
      }
      const step = Math.min(replyBytes - replyAt, length - at)
      at += step
      replyAt += step
      if (replyAt < replyBytes) {
        this.#replyAt = replyAt
        return
      }
      this.#replyAt = 0
      this.#request++
      if (--this.#waiting > 0) continue
      if (this.#waiting < 0 || at < length) return owner.fail('more replies came than requests were sent')
      owner.onBatchDone(this)
    }
  }
}
