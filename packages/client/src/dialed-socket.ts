/*
 * A socket that reads into one buffer of its own, again and again: reading takes no memory however much
 * comes. Whoever is told of bytes copies what it keeps.
 */

import { connect, type Socket } from 'node:net'
import tls from 'node:tls'
import type { Address } from './address.ts'
import { READ_BUFFER_BYTES } from './limits.ts'
import type { Secure } from './secure.ts'

export class DialedSocket {
  readonly socket: Socket
  /** Told of what has come; the bytes are its own until it returns. */
  onBytes: (bytes: Uint8Array) => void = ignore

  /** the event that says it is connected, and secured */
  readonly readyEvent: 'connect' | 'secureConnect'

  /** @param secure how to speak TLS; null: not at all */
  constructor({ host, port }: Address, secure: Secure | null) {
    const buffer = new Uint8Array(READ_BUFFER_BYTES)
    const callback = (count: number) => {
      this.onBytes(buffer.subarray(0, count))
      return true
    }
    const onread = { buffer, callback }
    this.readyEvent = secure === null ? 'connect' : 'secureConnect'
    if (secure === null) {
      this.socket = connect({ host, port, noDelay: true, keepAlive: true, onread })
      return
    }
    const socket = tls.connect({ ...secure, host, port, onread } as tls.ConnectionOptions)
    socket.once('connect', () => socket.setNoDelay(true).setKeepAlive(true))
    this.socket = socket
  }
}

export function ignore(): void {}
