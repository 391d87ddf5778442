/**
 * Stands before a member on a port of its own. A member that dials says its name in its first bytes: by that
 * a connection is known to come from far away, and what passes is late, in both directions and in order.
 */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { HOST } from '../servers/server.ts'

/** One way, in milliseconds, for whoever begins like this. */
export type DelayOf = (first: Buffer) => number

export class DelayingProxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(targetPort: number, delayOf: DelayOf) {
    this.#server = createServer({ noDelay: true }, (socket) => {
      const onward = connect({ host: HOST, port: targetPort, noDelay: true })
      let delayMs = 0
      socket.once('data', (first) => {
        delayMs = delayOf(first)
      })
      this.#join(socket, onward, () => delayMs)
      this.#join(onward, socket, () => delayMs)
    })
  }

  static async start(port: number, targetPort: number, delayOf: DelayOf): Promise<DelayingProxy> {
    const proxy = new DelayingProxy(targetPort, delayOf)
    proxy.#server.listen(port, HOST)
    await once(proxy.#server, 'listening')
    return proxy
  }

  #join(from: Socket, to: Socket, delayMs: () => number): void {
    this.#sockets.add(from)
    const pass = (bytes: Buffer) => {
      if (!to.destroyed) to.write(bytes)
    }
    from.on('data', (bytes) => {
      const ms = delayMs()
      if (ms === 0) pass(bytes)
      else setTimeout(pass, ms, bytes)
    })
    from.on('error', () => to.destroy())
    from.on('close', () => {
      this.#sockets.delete(from)
      to.destroy()
    })
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}
