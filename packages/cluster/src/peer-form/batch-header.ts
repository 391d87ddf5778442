/** What stands before the messages of a batch: docs/PEERS.md draws it. */

/** What follows a header. */
export const BATCH = { messages: 0, firstStart: 1, lists: 2 } as const

export const BATCH_VERSION = 1
/** What `BatchHeader.read` answers instead of a place. */
export const HEADER_ERROR = { malformed: -1, otherVersion: -2 } as const

export interface BatchFacts {
  /** 32 lower-case hex digits; null: none yet. */
  readonly clusterId: string | null
  /** Of the sender's folder: 32 lower-case hex digits. */
  readonly nodeId: string
  /** 16 lower-case hex digits. */
  readonly membersHash: string
  /** ASCII. */
  readonly name: string
}

const MAGIC = [0x4d, 0x56, 0x50, 0x42]
const HEADER_BYTES = 56
const KIND_AT = 6
const NAME_LENGTH_AT = 7
const ID_AT = 8
const ID_BYTES = 16
const NODE_AT = 24
const HASH_AT = 40
const HASH_BYTES = 8
const WALL_AT = 48
const NAME_BYTES_MAX = 255
const NO_ID = '0'.repeat(ID_BYTES * 2)
const NAME = /^[\x21-\x7e]+$/

/** The header of all batches of one sender, as long as its facts stay. */
export class HeaderWriter {
  readonly bytes: Uint8Array

  /** Throws RangeError for facts that no header can hold. */
  constructor({ clusterId, nodeId, membersHash, name }: BatchFacts) {
    const id = hexBytes(clusterId ?? NO_ID, ID_BYTES)
    const node = hexBytes(nodeId, ID_BYTES)
    const hash = hexBytes(membersHash, HASH_BYTES)
    if (!NAME.test(name) || name.length > NAME_BYTES_MAX) throw new RangeError(`"${name}" is no name`)
    const head = [...MAGIC, BATCH_VERSION, 0, 0, name.length, ...id, ...node, ...hash, ...new Uint8Array(8)]
    this.bytes = Uint8Array.from([...head, ...Buffer.from(name, 'latin1')])
  }

  get length(): number {
    return this.bytes.length
  }

  /** So many bytes at `at`, where there is room for them. */
  write(kind: number, wallMs: number, into: Uint8Array, at: number): void {
    into.set(this.bytes, at)
    into[at + KIND_AT] = kind
    let rest = wallMs
    for (let byte = WALL_AT; byte < WALL_AT + 6; byte++) {
      into[at + byte] = rest % 256
      rest = Math.floor(rest / 256)
    }
  }
}

/** Reads headers; those of one sender differ in little, and what is equal is not made again. */
export class BatchHeader implements BatchFacts {
  /** Of the form: also of one that is refused for it. */
  version = 0
  /** One of BATCH, or a number that is not known. */
  kind = 0
  clusterId: string | null = null
  nodeId = ''
  membersHash = ''
  name = ''
  /** When it was sent, by the sender's clock. */
  wallMs = 0
  #identity = new Uint8Array()

  /** Where the content begins; below 0: one of HEADER_ERROR. */
  read(bytes: Uint8Array, start: number, end: number): number {
    if (end - start < HEADER_BYTES) return HEADER_ERROR.malformed
    for (const [index, byte] of MAGIC.entries()) {
      if (bytes[start + index] !== byte) return HEADER_ERROR.malformed
    }
    this.version = bytes[start + 4]! | (bytes[start + 5]! << 8)
    if (this.version !== BATCH_VERSION) return HEADER_ERROR.otherVersion
    const content = start + HEADER_BYTES + bytes[start + NAME_LENGTH_AT]!
    if (content > end) return HEADER_ERROR.malformed
    this.kind = bytes[start + KIND_AT]!
    this.wallMs = 0
    for (let at = WALL_AT + 5; at >= WALL_AT; at--) this.wallMs = this.wallMs * 256 + bytes[start + at]!
    if (this.#isAsBefore(bytes, start, content)) return content
    return this.#readIdentity(bytes, start, content) ? content : HEADER_ERROR.malformed
  }

  #isAsBefore(bytes: Uint8Array, start: number, content: number): boolean {
    const identity = this.#identity
    if (identity.length !== content - start) return false
    for (let at = ID_AT; at < identity.length; at++) {
      if (at === WALL_AT) at = HEADER_BYTES
      if (identity[at] !== bytes[start + at]) return false
    }
    return true
  }

  #readIdentity(bytes: Uint8Array, start: number, content: number): boolean {
    const copy = Buffer.from(bytes.subarray(start, content))
    const name = copy.toString('latin1', HEADER_BYTES)
    if (!NAME.test(name)) return false
    this.#identity = copy
    this.name = name
    this.clusterId = idText(copy, ID_AT)
    this.nodeId = hexText(copy, NODE_AT, ID_BYTES)
    this.membersHash = hashText(copy, HASH_AT)
    return true
  }
}

/** Null: zeros. The bytes are there. */
export function idText(bytes: Uint8Array, at: number): string | null {
  const text = hexText(bytes, at, ID_BYTES)
  return text === NO_ID ? null : text
}

export function hashText(bytes: Uint8Array, at: number): string {
  return hexText(bytes, at, HASH_BYTES)
}

export function idBytes(clusterId: string | null): Uint8Array {
  return hexBytes(clusterId ?? NO_ID, ID_BYTES)
}

export function hashBytes(membersHash: string): Uint8Array {
  return hexBytes(membersHash, HASH_BYTES)
}

function hexText(bytes: Uint8Array, at: number, length: number): string {
  return Buffer.from(bytes.subarray(at, at + length)).toString('hex')
}

function hexBytes(text: string, length: number): Uint8Array {
  if (text.length !== length * 2 || !/^[0-9a-f]*$/.test(text)) {
    throw new RangeError(`"${text}" is not ${length * 2} hex digits`)
  }
  return Buffer.from(text, 'hex')
}
