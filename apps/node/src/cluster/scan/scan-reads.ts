/** Keys about which the lists do not agree: what is true of each a quorum says. */
import { type Answer, LEVEL, OUTCOME, REASON, type Request } from '@minivault/cluster'
import { CODEC, decompress } from '@minivault/codec'
import { ProtocolError } from '@minivault/protocol'
import { DURABILITY, type ScanEntry } from '@minivault/storage'
import { LargeValue } from '../large/large-value.ts'
import type { MemberKey } from '../member-key.ts'
import type { MemberValue } from '../member-value.ts'

/** Tokens of the core from here on are those of scans; below them are a client's. */
export const SCAN_TOKENS = 2 ** 40

export interface ScanReadsParts {
  readonly ask: (token: number, request: Request) => void
  readonly isWarm: (key: MemberKey) => boolean
  readonly warm: (key: MemberKey, then: () => void) => void
}

export class ScanReads {
  readonly #parts: ScanReadsParts
  readonly #asked = new Map<number, (answer: Answer) => void>()
  #token = SCAN_TOKENS

  constructor(parts: ScanReadsParts) {
    this.#parts = parts
  }

  /** Null: nothing is there. Throws ProtocolError NO_QUORUM. */
  async read(key: MemberKey, deadlineMs: number): Promise<ScanEntry | null> {
    const { isWarm, warm } = this.#parts
    if (!isWarm(key)) await new Promise<void>((resolve) => warm(key, resolve))
    const { outcome, record } = await this.#ask(key, deadlineMs)
    if (outcome !== OUTCOME.ok) throw new ProtocolError('NO_QUORUM', 'too few replicas answered in time')
    const value = record!.value as MemberValue | null
    if (value === null) return null
    const { codec, data, rawBytes, type } = value
    const raw = codec === CODEC.none ? data : decompress(codec, data, rawBytes)
    const { version, expiresAtMs } = record!
    const entry = { key: key.bytes, value: raw, version: version.toString(), type, expiresAtMs }
    // Its file stays where it is, as in a scan of the store.
    return value instanceof LargeValue ? { ...entry, leftBytes: rawBytes } : entry
  }

  #ask(key: MemberKey, deadlineMs: number): Promise<Answer> {
    this.#token += 1
    const token = this.#token
    return new Promise((resolve) => {
      this.#asked.set(token, resolve)
      const durability = DURABILITY.fsync
      const level = LEVEL.quorum
      this.#parts.ask(token, { key, change: null, id: null, attempt: 0, level, durability, deadlineMs })
    })
  }

  /** `Env.answer` of the core, of a token from SCAN_TOKENS on. */
  answer(token: number, answer: Answer): void {
    const resolve = this.#asked.get(token)
    this.#asked.delete(token)
    resolve?.(answer)
  }

  /** The core has gone: it answers nothing that is under way. */
  abandon(): void {
    const { failed } = OUTCOME
    const answer: Answer = { outcome: failed, reason: REASON.notServing, record: null, rounds: 0 }
    for (const token of [...this.#asked.keys()]) this.answer(token, answer)
  }
}
