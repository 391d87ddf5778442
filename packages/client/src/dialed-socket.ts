/*
 * A socket that reads into one buffer of its own, again and again: reading takes no memory however much
 * comes. Whoever is told of bytes copies what it keeps.
 */

import { connect, type Socket } from 'node:net'
import type { Address } from './address.ts'
import { READ_BUFFER_BYTES } from './limits.ts'

export class DialedSocket {
  readonly socket: Socket
  /** Told of what has come; the bytes are its own until it returns. */
  onBytes: (bytes: Uint8Array) => void = ignore

  constructor({ host, port }: Address) {
    const buffer = new Uint8Array(READ_BUFFER_BYTES)
    const callback = (count: number) => {
      this.onBytes(buffer.subarray(0, count))
      return true
    }
    this.socket = connect({ host, port, noDelay: true, keepAlive: true, onread: { buffer, callback } })
  }
}

export function ignore(): void {}
