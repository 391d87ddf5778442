/**
 * Stands before a member on a port of its own, counts what passes, in both directions, and hands it on at
 * once, or late and in order. A member that dials says its name in its first bytes: by that a connection is
 * known to come from far away.
 */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { MemberAddress } from '../servers/minivault-trio.ts'
import { HOST } from '../servers/server.ts'

/** One way, in milliseconds, for whoever begins like this. */
export type DelayOf = (first: Buffer) => number

const AT_ONCE: DelayOf = () => 0

class MemberProxy {
  bytes = 0
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

  static async start({ port, publicPort }: MemberAddress, delayOf: DelayOf): Promise<MemberProxy> {
    const proxy = new MemberProxy(port, delayOf)
    proxy.#server.listen(publicPort, HOST)
    await once(proxy.#server, 'listening')
    return proxy
  }

  #join(from: Socket, to: Socket, delayMs: () => number): void {
    this.#sockets.add(from)
    const pass = (bytes: Buffer) => {
      if (!to.destroyed && !to.write(bytes)) from.pause()
    }
    from.on('data', (bytes) => {
      this.bytes += bytes.length
      const ms = delayMs()
      if (ms === 0) pass(bytes)
      else setTimeout(pass, ms, bytes)
    })
    to.on('drain', () => from.resume())
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

/** Before each of several members. */
export class MemberProxies implements Disposable {
  readonly #proxies: readonly MemberProxy[]

  private constructor(proxies: readonly MemberProxy[]) {
    this.#proxies = proxies
  }

  /** @param delayOf of connections to this one of them */
  static async start(
    addresses: readonly MemberAddress[],
    delayOf: (to: number) => DelayOf = () => AT_ONCE,
  ): Promise<MemberProxies> {
    const starting = addresses.map((address, to) => MemberProxy.start(address, delayOf(to)))
    return new MemberProxies(await Promise.all(starting))
  }

  /** That came to them, so far; each of them once. */
  get bytes(): number {
    return this.#proxies.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  [Symbol.dispose](): void {
    for (const proxy of this.#proxies) proxy.close()
  }
}
