/**
 * The scans that are open, so that nothing is held for ever: at most SCAN_COUNT_MAX, none for longer than
 * SCAN_HOLD_MS_MAX. The timer runs only while there are any.
 */

import type { Scheduler } from '@minivault/wal'
import { SCAN_COUNT_MAX, SCAN_HOLD_MS_MAX } from '../limits.ts'
import { StorageError } from '../storage-error.ts'
import { Scan, type ScanHost } from './scan.ts'
import type { ScanOptions } from './scan-range.ts'
import type { ScanSource } from './scan-source.ts'

const SWEEP_MS = SCAN_HOLD_MS_MAX / 10

export class Scans implements ScanHost {
  readonly #source: ScanSource
  readonly #now: () => number
  readonly #scheduler: Scheduler
  /** With the wall milliseconds of their start, oldest first. */
  readonly #open = new Map<Scan, number>()
  #timer: unknown = null
  #error: StorageError | null = null

  constructor(source: ScanSource, now: () => number, scheduler: Scheduler) {
    this.#source = source
    this.#now = now
    this.#scheduler = scheduler
  }

  get count(): number {
    return this.#open.size
  }

  /** Begins a scan of what is there now. Throws STORAGE_SCAN, STORAGE_SCANS_MAX. */
  open(options: ScanOptions = {}): Scan {
    if (this.#error !== null) throw this.#error
    if (this.#open.size >= SCAN_COUNT_MAX) this.#makeRoom()
    const scan = new Scan(options, () => this.#source.view(), this)
    this.#open.set(scan, this.#now())
    this.#timer ??= this.#scheduler.after(SWEEP_MS, () => this.#sweep())
    return scan
  }

  #sweep(): void {
    this.#timer = null
    this.#expire()
    if (this.#open.size > 0) this.#timer = this.#scheduler.after(SWEEP_MS, () => this.#sweep())
  }

  /** Ends those that were held too long. */
  #expire(): void {
    for (const [scan, startedAt] of this.#open) {
      if (this.#now() - startedAt > SCAN_HOLD_MS_MAX) scan.fail(expired())
    }
  }

  /** Ends all that are open. */
  fail(error: StorageError): void {
    for (const scan of this.#open.keys()) scan.fail(error)
  }

  /** Ends all, and lets none begin. */
  close(error: StorageError): void {
    this.#error ??= error
    this.fail(error)
  }

  check(scan: Scan): void {
    if (this.#now() - (this.#open.get(scan) ?? 0) > SCAN_HOLD_MS_MAX) throw expired()
  }

  turn(): Promise<void> {
    return new Promise((resolve) => this.#scheduler.afterTurn(resolve))
  }

  onClosed(scan: Scan): void {
    this.#open.delete(scan)
    if (this.#open.size > 0 || this.#timer === null) return
    this.#scheduler.cancel(this.#timer)
    this.#timer = null
  }

  /** A scan that has come to its end, and that nobody closed, gives way. */
  #makeRoom(): void {
    this.#expire()
    if (this.#open.size < SCAN_COUNT_MAX) return
    for (const scan of this.#open.keys()) {
      if (!scan.isAtEnd) continue
      scan.fail(expired())
      return
    }
    throw new StorageError('STORAGE_SCANS_MAX', `${SCAN_COUNT_MAX} scans are open: finish or close some`)
  }
}

/** The scan is over for this reason; another one may go on where it was. */
export function scanExpired(reason: string): StorageError {
  return new StorageError('STORAGE_SCAN_EXPIRED', `${reason}: go on from the cursor of the scan`)
}

function expired(): StorageError {
  return scanExpired(`a scan is held for ${SCAN_HOLD_MS_MAX / 60_000} minutes at most`)
}
