/** Memory for what is handed to a socket; what the kernel does not take at once stays with the socket. */
import { CHUNK_BYTES } from '@minivault/protocol'
import { SLICES_POOLED } from '../limits.ts'
import { SLICE_HEAD_BYTES_MAX } from './piece-reply.ts'

export class SlicePool {
  readonly #free: Uint8Array[] = []

  take(): Uint8Array {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(SLICE_HEAD_BYTES_MAX + CHUNK_BYTES)
  }

  give(slice: Uint8Array): void {
    if (this.#free.length < SLICES_POOLED) this.#free.push(slice)
  }
}
