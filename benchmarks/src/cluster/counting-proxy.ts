/** Stands before a member on a port of its own and counts what passes, in both directions. */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { HOST } from '../servers/server.ts'

export class CountingProxy {
  bytes = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(targetPort: number) {
    this.#server = createServer({ noDelay: true }, (socket) => {
      const onward = connect({ host: HOST, port: targetPort, noDelay: true })
      this.#join(socket, onward)
      this.#join(onward, socket)
    })
  }

  static async start(port: number, targetPort: number): Promise<CountingProxy> {
    const proxy = new CountingProxy(targetPort)
    proxy.#server.listen(port, HOST)
    await once(proxy.#server, 'listening')
    return proxy
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from)
    from.on('data', (bytes) => {
      this.bytes += bytes.length
    })
    from.pipe(to)
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
