/**
 * The disk of one member, as its log sees it: what was appended is in the process' memory, a little later in
 * the operating system's (`written`), and after a sync on the disk (`synced`). A crash of the process loses
 * what was not written, a power cut what was not synced.
 *
 *   entries  ├────────────┼─────────┼────────┤
 *            0          synced   written    end
 */
import {
  DURABILITY,
  type Durability,
  type HeldRecord,
  type Key,
  type Mark,
  type Pledge,
} from '@minivault/cluster'
import { unit } from '../random.ts'
import type { Happening } from './happening.ts'
import type { Timeline } from './timeline.ts'

const WRITE_MS = 0.1
const SYNC_MS_MIN = 0.5

export type Entry =
  | {
      readonly kind: 'record'
      readonly key: Key
      readonly record: HeldRecord
      readonly durability: Durability
    }
  | { readonly kind: 'pledge'; readonly key: Key; readonly pledge: Pledge }
  | { readonly kind: 'release'; readonly key: Key }
  | { readonly kind: 'mark'; readonly mark: Mark }
  | { readonly kind: 'drop'; readonly partition: number }

export interface DiskOptions {
  readonly timeline: Timeline
  readonly seed: number
  readonly member: number
  readonly syncMs: number
  /** Something is durable that was not. */
  readonly onDurable: () => void
}

export class Disk {
  readonly entries: Entry[] = []
  /** Of the member's clock; persisted before it is needed. */
  boundMs = 0
  readonly #options: DiskOptions
  #written = 0
  #synced = 0
  #isWriting = false
  #isSyncing = false
  /** Whatever was under way before a crash is not any more. */
  #life = 0

  constructor(options: DiskOptions) {
    this.#options = options
  }

  append(entry: Entry): number {
    const end = this.entries.push(entry)
    this.#write()
    return end
  }

  durableUpTo(durability: Durability): number {
    if (durability === DURABILITY.fsync) return this.#synced
    return durability === DURABILITY.os ? this.#written : this.entries.length
  }

  crash(isPowerCut: boolean): void {
    this.#life += 1
    this.#isWriting = false
    this.#isSyncing = false
    // A power cut spares what the disk happened to have taken.
    const luck = unit(this.#options.seed, 78, this.#options.member, this.#life)
    const spared = luck < 0.5 ? 0 : Math.floor((this.#written - this.#synced) * (2 * luck - 1))
    if (isPowerCut) this.#synced += spared
    this.entries.length = isPowerCut ? this.#synced : this.#written
    this.#written = this.entries.length
  }

  /** Another disk, with nothing on it. */
  replace(): void {
    this.crash(true)
    this.entries.length = 0
    this.#written = 0
    this.#synced = 0
    this.boundMs = 0
  }

  /** It is read again: what is there, but was never synced, is synced now. */
  open(): void {
    this.#sync()
  }

  #write(): void {
    if (this.#isWriting || this.#written === this.entries.length) return
    this.#isWriting = true
    const end = this.entries.length
    this.#after(WRITE_MS, () => {
      this.#isWriting = false
      this.#written = end
      this.#options.onDurable()
      this.#sync()
      this.#write()
    })
  }

  #sync(): void {
    if (this.#isSyncing || this.#synced === this.#written) return
    this.#isSyncing = true
    const end = this.#written
    const { seed, member, syncMs } = this.#options
    this.#after(SYNC_MS_MIN + unit(seed, 77, member, end) * syncMs, () => {
      this.#isSyncing = false
      this.#synced = end
      this.#options.onDurable()
      this.#sync()
    })
  }

  #after(afterMs: number, task: () => void): void {
    const life = this.#life
    this.#options.timeline.add(
      afterMs,
      new Task(() => {
        if (life === this.#life) task()
      }),
    )
  }
}

export class Task implements Happening {
  readonly #task: () => void

  constructor(task: () => void) {
    this.#task = task
  }

  happen(): void {
    this.#task()
  }
}
