/**
 * Messages that speak of large values: before the core sees one, their files are here, fetched from the
 * sender. What cannot be fetched makes the message one that was lost: whoever sent it does so again.
 */
import type { Copied, Fetched, HeldRecord, Key, Message } from '@minivault/cluster'
import { KeyHash } from '@minivault/codec'
import type { BlobValue, StagedValue, Store } from '@minivault/storage'
import { LARGE_FETCHES_MAX, LARGE_FETCHES_WAITING_MAX } from '../../limits.ts'
import type { NodeLogger } from '../../node.ts'
import { LargeValue } from './large-value.ts'
import { KEY_HASH_DIGITS, type ValueFiles } from './value-files.ts'

/** Fetches the file of a member into one of ours, which is durable and has that content. */
export type FetchValue = (member: string, hash: KeyHash, blob: BlobValue) => Promise<BlobValue>

export interface LargeIntakeParts {
  readonly store: Store
  readonly files: ValueFiles
  readonly fetch: FetchValue
  /** Looks at what stands under the key: a file of ours that it names is known from then on. */
  readonly look: (key: Key) => void
  readonly logger: NodeLogger
}

export class LargeIntake {
  readonly #parts: LargeIntakeParts
  /** Under way, by what is fetched: from whom does not matter. */
  readonly #fetching = new Map<string, Promise<BlobValue>>()
  #underWay = 0
  readonly #waiting: (() => void)[] = []

  constructor(parts: LargeIntakeParts) {
    this.#parts = parts
  }

  /** Whether a message speaks of large values. */
  concerns(message: Message): boolean {
    if ('record' in message) return isLarge(message.record)
    return 'records' in message && message.records.some(({ record }) => isLarge(record))
  }

  /** Hands the message on, now or when what it speaks of is here. */
  take(from: string, message: Message, then: (message: Message) => void): void {
    if ('record' in message) {
      const value = message.record.value as LargeValue
      const key = 'key' in message ? message.key : null
      this.#bring(from, value, key, (here) => then({ ...message, record: withValue(message.record, here) }))
    } else if ('records' in message) this.#bringAll(from, message, then)
  }

  #bringAll(from: string, message: Fetched | Copied, then: (message: Message) => void): void {
    const records = [...message.records]
    let missing = 0
    records.forEach(({ record, key }, index) => {
      if (!isLarge(record)) return
      missing += 1
      this.#bring(from, record.value as LargeValue, key, (here) => {
        records[index] = { key, record: withValue(record, here) }
        missing -= 1
        if (missing === 0) then({ ...message, records })
      })
    })
  }

  #bring(from: string, value: LargeValue, key: Key | null, then: (here: LargeValue) => void): void {
    const { files, look, logger } = this.#parts
    let blob = files.find(value.blob)
    if (blob === null && key !== null) {
      look(key)
      blob = files.find(value.blob)
    }
    if (blob !== null) return then(new LargeValue(blob, value.type, true))
    this.#fetch(from, value.blob).then(
      (fetched) => then(new LargeValue(files.staged(fetched), value.type, true)),
      (error: Error) => logger.warn({ peer: from, why: error.message }, 'a large value was not fetched'),
    )
  }

  #fetch(from: string, blob: BlobValue): Promise<BlobValue> {
    const what = `${blob.name.slice(0, KEY_HASH_DIGITS)}-${blob.size}-${blob.checksums}`
    const known = this.#fetching.get(what)
    if (known !== undefined) return known
    const fetching = this.#fetchInTurn(from, blob).finally(() => this.#fetching.delete(what))
    this.#fetching.set(what, fetching)
    return fetching
  }

  async #fetchInTurn(from: string, blob: BlobValue): Promise<BlobValue> {
    if (this.#underWay >= LARGE_FETCHES_MAX) {
      if (this.#waiting.length >= LARGE_FETCHES_WAITING_MAX) throw new Error('too many are being fetched')
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    this.#underWay += 1
    try {
      const fetched = await this.#parts.fetch(from, hashOf(blob), blob)
      if (fetched.size === blob.size && fetched.checksums === blob.checksums) return fetched
      this.#parts.store.engine.large.discard(fetched as StagedValue)
      throw new Error('what came has other checksums')
    } finally {
      this.#underWay -= 1
      this.#waiting.shift()?.()
    }
  }
}

function isLarge({ value }: HeldRecord): boolean {
  return value instanceof LargeValue
}

function withValue(record: HeldRecord, value: LargeValue): HeldRecord {
  return { ...record, value }
}

/** Of the key. */
function hashOf({ name }: BlobValue): KeyHash {
  const hash = new KeyHash()
  hash.high = Number.parseInt(name.slice(0, 8), 16) | 0
  hash.low = Number.parseInt(name.slice(8, KEY_HASH_DIGITS), 16) | 0
  return hash
}
