/**
 * Rounds of our own, for nobody outside: what is true of a key comes to all who can be reached. One on a key
 * at a time.
 */
import type { Version } from '@minivault/clock'
import type { Coordinator } from './coordinator.ts'
import { REPAIR_DEADLINE_MS } from './limits.ts'
import type { Operation } from './operation.ts'
import type { Key } from './ports.ts'
import { type HeldRecord, isLater, ZERO } from './record.ts'

interface Admission {
  readonly key: Key
  readonly record: HeldRecord
}

/** Whoever runs the rounds. */
type Settler = Pick<Coordinator, 'settle'>

export class Spreading {
  readonly #coordinator: Settler
  readonly #keys = new Set<string>()
  /** What is to be admitted after the round under way, the latest for each of these keys. */
  readonly #next = new Map<string, Admission>()

  constructor(coordinator: Settler) {
    this.#coordinator = coordinator
  }

  /**
   * Has a key's record chosen, and held by all who can be reached, however few of them hold it; under a
   * ballot of its own, above every promise.
   *
   * @param candidate held in another region, or missed there: if it is the newest, it is to be accepted anew
   * @param above what it was refused for there
   */
  spread(key: Key, onOver: () => void, candidate: HeldRecord | null = null, above: Version = ZERO): void {
    // One is as good as two.
    if (this.#keys.has(key.id)) return onOver()
    this.#begin(key, REPAIR_DEADLINE_MS, { candidate, above }, onOver)
  }

  /**
   * A record of another region comes into ours, under its ballot there, so that both hold the same. Where
   * that was raised, what is chosen here may be later though its ballot is lower, and a replica that lacks it
   * could not tell: so no replica takes it as it comes, and a round here decides.
   */
  admit(key: Key, record: HeldRecord, onOver: () => void, deadlineMs = REPAIR_DEADLINE_MS): void {
    if (!this.#keys.has(key.id)) {
      return this.#begin(key, deadlineMs, { candidate: record, isAdmission: true }, onOver)
    }
    const next = this.#next.get(key.id)
    if (next === undefined || isLater(record, next.record)) this.#next.set(key.id, { key, record })
    onOver()
  }

  #begin(key: Key, deadlineMs: number, about: Partial<Operation>, onOver: () => void): void {
    this.#keys.add(key.id)
    this.#coordinator.settle(key, deadlineMs, about, () => {
      this.#keys.delete(key.id)
      onOver()
      const next = this.#next.get(key.id)
      this.#next.delete(key.id)
      if (next !== undefined) this.admit(key, next.record, () => {})
    })
  }
}
