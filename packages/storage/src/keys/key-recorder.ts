/**
 * Remembers which records were appended, so that the keys of a segment are known when it seals, and to a scan
 * before that. On the hot path that is one store of an offset; every few thousand records the heads and keys
 * are taken out of the log's window and become a sorted run.
 *
 * Invariant: what is remembered only as an offset still lies in the window, because a run is made before a
 * quarter of the window has been appended since the last.
 */

import type { Log } from '@minivault/wal'
import { type KeyRun, RunBuilder } from '../hint/key-run.ts'
import { RUN_ENTRIES } from '../limits.ts'
import { RecordView } from '../record.ts'
import { addRecord } from './add-record.ts'
import { Overtaken } from './overtaken.ts'

/** Headers of the block and of the entry, and the padding behind it. */
const RECORD_OVERHEAD_BYTES = 32 + 8 + 7

export class KeyRecorder {
  /** The segment of the newest record; 0 before the first. */
  segment = 0
  /** Of its records. */
  overtaken = new Overtaken()
  readonly #log: Log
  readonly #onRun: (run: KeyRun, overtaken: Overtaken) => void
  readonly #offsets = new Int32Array(RUN_ENTRIES)
  readonly #bytesMax: number
  readonly #builder = new RunBuilder()
  readonly #view = new RecordView()
  #count = 0
  #bytes = 0

  constructor(log: Log, onRun: (run: KeyRun, overtaken: Overtaken) => void) {
    this.#log = log
    this.#onRun = onRun
    this.#bytesMax = log.windowBytes >>> 2
  }

  /** A record of `length` bytes was committed at this position. */
  appended(segment: number, offset: number, length: number): void {
    if (segment !== this.segment) {
      this.finishRun()
      this.segment = segment
      this.overtaken = new Overtaken()
    }
    this.#offsets[this.#count] = offset
    this.#count = (this.#count + 1) | 0
    // At most what it takes in the window: a block and an entry of its own.
    this.#bytes = (this.#bytes + length + RECORD_OVERHEAD_BYTES) | 0
    if (this.#count === RUN_ENTRIES || this.#bytes > this.#bytesMax) this.finishRun()
  }

  /** The record at this position was overtaken by one that is about to be appended to the same segment. */
  overtake(segment: number, offset: number): void {
    if (segment === this.segment) this.overtaken.add(offset)
  }

  /** Makes a run of what was appended since the last one. */
  finishRun(): void {
    const count = this.#count
    if (count === 0) return
    this.#count = 0
    this.#bytes = 0
    const { window, windowView } = this.#log
    for (let i = 0; i < count; i++) {
      const offset = this.#offsets[i]!
      if (this.overtaken.has(offset)) continue
      const at = this.#log.windowOffset(this.segment, offset)
      // The length stands in the log's entry, right before the payload.
      addRecord(this.#builder, this.#view, offset, window, at, at + windowView.getInt32(at - 4, true))
    }
    this.#onRun(this.#builder.toRun(this.segment), this.overtaken)
    this.#builder.clear()
  }
}
