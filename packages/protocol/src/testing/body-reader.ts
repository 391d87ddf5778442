/**
 * The bodies of SCAN and BATCH as docs/PROTOCOL.md tells them, read with a DataView and without a thought for
 * speed. Keys, values and cursors as texts of one byte a character, versions as hex; null: refused. Lengths
 * above 2^30 - 1 read as that.
 */

const PAGE_MAX = 262_144 - 40
const CLAMP = 2 ** 30 - 1

class Body {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get left(): number {
    return this.#bytes.length - this.at
  }

  /** Throws RangeError where the bytes are at their end. */
  number(width: 1 | 2 | 4 | 6): number {
    let value = 0
    for (let index = 0; index < width; index++) value += this.#view.getUint8(this.at++) * 256 ** index
    return value
  }

  text(length: number): string {
    if (length > this.left) throw new RangeError('the body is at its end')
    return Buffer.from(this.#bytes.slice(this.at, (this.at += length))).toString('latin1')
  }

  version(): string {
    return Buffer.from(this.text(12), 'latin1').toString('hex')
  }
}

function read<T>(bytes: Uint8Array, parse: (body: Body) => T | null): T | null {
  const body = new Body(bytes)
  try {
    const parsed = parse(body)
    return body.left === 0 ? parsed : null
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

export function readScanRequest(bytes: Uint8Array) {
  return read(bytes, (body) => {
    const entriesMax = body.number(4)
    const bytesMax = body.number(4)
    const bounds = body.number(1)
    const zero = body.number(1)
    const fromBytes = body.number(2)
    const toBytes = body.number(2)
    const zeros = body.number(2)
    const cursorBytes = body.number(4)
    if (bounds >= 4 || zero !== 0 || zeros !== 0) return null
    return {
      entriesMax: entriesMax === 0 ? 1000 : Math.min(entriesMax, 10_000),
      bytesMax: bytesMax === 0 || bytesMax > PAGE_MAX ? PAGE_MAX : bytesMax,
      fromExclusive: bounds % 2 === 1,
      toInclusive: bounds >= 2,
      from: body.text(fromBytes),
      to: body.text(toBytes),
      cursor: body.text(cursorBytes),
    }
  })
}

export function readScanPage(bytes: Uint8Array, isKeysOnly: boolean) {
  return read(bytes, (body) => {
    const count = body.number(4)
    const cursor = body.number(4)
    const page = { cursor: body.text(cursor), entries: [] as object[] }
    for (let index = 0; index < count; index++) {
      const keyBytes = body.number(2)
      const kind = body.number(1)
      body.number(1)
      const valueBytes = Math.min(body.number(4), CLAMP)
      const version = body.version()
      const expiresAtMs = body.number(6)
      if (![0, 1, 128, 129].includes(kind)) return null
      const isTooLarge = kind >= 128
      const key = body.text(keyBytes)
      const value = isKeysOnly || isTooLarge ? '' : body.text(valueBytes)
      page.entries.push({ isJson: kind % 2 === 1, isTooLarge, valueBytes, version, expiresAtMs, key, value })
    }
    return page
  })
}

export function readBatch(bytes: Uint8Array) {
  return read(bytes, (body) => {
    const operations: object[] = []
    while (body.left > 0) {
      const opcode = body.number(1)
      const flags = body.number(1)
      const keyBytes = body.number(2)
      const valueBytes = body.number(4)
      const ttlMs = body.number(6)
      const isZero = body.number(2) === 0
      const isSet = opcode === 0x14 && (flags === 0 || flags === 16)
      const isDelete = opcode === 0x15 && flags === 0 && valueBytes === 0 && ttlMs === 0
      if (!isZero || !(isSet || isDelete) || keyBytes === 0 || operations.length === 10_000) return null
      const [key, value] = [body.text(keyBytes), body.text(valueBytes)]
      operations.push({ opcode, isJson: flags === 16, ttlMs, key, value })
    }
    return operations
  })
}
