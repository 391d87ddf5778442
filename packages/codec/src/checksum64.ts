/**
 * The checksum of large values: xxhash64 with seed 0 as 16 hex digits. It stands on disk, so it must not
 * depend on what is installed: XXH3 would be three times as fast, but only xxhash-addon has it. The addon
 * computes the same xxhash64 and is used for large pieces where it loads; it *crashes the process* when given
 * anything but a Uint8Array, which is why nobody else calls it.
 */
import { load } from './native.ts'
import { hashKey, IncrementalHash, KeyHash } from './xxhash64.ts'

/** Below, our own module is quicker; above, the two are equal within the noise. */
const NATIVE_FROM_BYTES = 256 * 1024

interface NativeHash {
  update(bytes: Uint8Array): void
  digest(): Uint8Array
}

interface Addon {
  XXHash64: { new (seed: Uint8Array): NativeHash; hash(bytes: Uint8Array): Uint8Array }
}

let addon: Addon | null | undefined

function native(): Addon | null {
  if (addon === undefined) addon = load<Addon>('xxhash-addon') ?? null
  return addon
}

/** xxhash64 (seed 0) of the bytes as 16 lower-case hex digits. */
export function checksum64(bytes: Uint8Array): string {
  mustBeBytes(bytes)
  const library = bytes.length >= NATIVE_FROM_BYTES ? native() : null
  if (library !== null) return Buffer.from(library.XXHash64.hash(bytes)).toString('hex')
  return text(hashKey(bytes, 0, bytes.length, new KeyHash()))
}

/** The same for bytes that come in pieces. */
export class Checksum64 {
  readonly #native: NativeHash | undefined
  readonly #own: IncrementalHash | undefined

  constructor(options: { own?: boolean } = {}) {
    const library = options.own ? null : native()
    if (library !== null) this.#native = new library.XXHash64(Buffer.alloc(8))
    else this.#own = new IncrementalHash()
  }

  update(bytes: Uint8Array): this {
    mustBeBytes(bytes)
    this.#native?.update(bytes)
    this.#own?.update(bytes)
    return this
  }

  /** Of all that came so far; more may follow. */
  digest(): string {
    if (this.#native !== undefined) return Buffer.from(this.#native.digest()).toString('hex')
    return text(this.#own!.digest(new KeyHash()))
  }
}

function mustBeBytes(bytes: Uint8Array): void {
  if (!(bytes instanceof Uint8Array)) throw new TypeError('a checksum is taken of a Uint8Array')
}

function text(hash: KeyHash): string {
  return word(hash.high) + word(hash.low)
}

function word(int32: number): string {
  return (int32 >>> 0).toString(16).padStart(8, '0')
}
