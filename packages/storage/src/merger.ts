/**
 * When to merge: watches the log, asks the policy whenever a segment was filled, and runs one merge at a time
 * in slices between which the event loop gets its turn. What a merge does stands in merge-run.ts.
 */

import { type Scheduler, SEGMENT_BYTES_DEFAULT } from '@minivault/wal'
import type { Engine } from './engine.ts'
import { MERGE_REST_MS, MERGE_ROUNDS_MAX } from './limits.ts'
import { type MergePolicy, pickMergeCandidates } from './merge-policy.ts'
import { type MergeReport, MergeRun, type MergeSurroundings } from './merge-run.ts'
import { fromLog } from './storage-error.ts'
import type { Logger } from './store-options.ts'

export interface MergerOptions {
  scheduler: Scheduler
  segmentBytes: number | undefined
  logger: Logger | undefined
  /** Resolves when the index is loaded: before that nobody knows what is live. */
  loaded: () => Promise<void>
  hash: MergeSurroundings['hash']
  now: MergeSurroundings['now']
  mayRelease: MergeSurroundings['mayRelease'] | undefined
}

class Stopped extends Error {}

export class Merger {
  merges = 0
  mergedBytes = 0
  /** Of the merge that is running: bytes of its sources, and how many of them it has gone through. */
  totalBytes = 0
  doneBytes = 0
  readonly #engine: Engine
  readonly #options: MergerOptions
  readonly #segmentBytes: number
  readonly #around: MergeSurroundings
  #running: Promise<unknown> = Promise.resolve()
  readonly #dropping = new Set<Promise<void>>()
  #isBusy = false
  #isStopping = false
  #checkedSegment = -1

  constructor(engine: Engine, options: MergerOptions) {
    this.#engine = engine
    this.#options = options
    this.#segmentBytes = options.segmentBytes ?? SEGMENT_BYTES_DEFAULT
    this.#around = {
      hash: options.hash,
      now: options.now,
      mayRelease: (hash, ballot, space) => {
        const mayRelease = engine.owner === null ? options.mayRelease : engine.owner.mayRelease
        return mayRelease === undefined || mayRelease.call(engine.owner, hash, ballot, space)
      },
      onLeft: (hash, ballot) => engine.owner?.onLeft(hash, ballot),
      pause: () => new Promise((resolve) => options.scheduler.afterTurn(resolve)),
      rest: () => new Promise((resolve) => void options.scheduler.after(MERGE_REST_MS, resolve)),
      goOn: () => {
        if (this.#isStopping) throw new Stopped()
      },
      onProgress: (bytes) => {
        this.doneBytes += bytes
      },
    }
  }

  /** From now on merges by itself: whenever a segment was filled, it looks whether it pays. */
  watch(): void {
    this.#engine.onProgress = () => {
      const segment = this.#engine.log.reservedSegment
      if (segment === this.#checkedSegment || this.#isBusy || this.#isStopping) return
      this.#checkedSegment = segment
      this.#enqueue(() => this.#inBackground()).catch((error: unknown) => {
        this.#options.logger?.warn(`merge gave up: ${error instanceof Error ? error.message : String(error)}`)
      })
    }
  }

  /**
   * Merges now what has anything to give back. Rejects with a StorageError; the sources are untouched then.
   * Resolves when the sources' files are gone, or, where a scan holds them, when they will be.
   */
  merge(): Promise<MergeReport> {
    return this.#enqueue(async () => {
      const { log, ledger } = this.#engine
      log.roll()
      await log.settled()
      const policy = {
        deadRatioMin: 0,
        emptyRatioMin: 1,
        smallBytes: this.#segmentBytes / 4,
        smallCountMin: 2,
        sparesMemory: false,
        outputBytesMax: Infinity,
      }
      const stats = ledger.stats(log)
      const all = stats.filter(({ sealed, retired }) => sealed && !retired).map(({ segment }) => segment)
      const sources = ledger.tombstones > 0 ? all : pickMergeCandidates(stats, policy)
      return this.#mergeSegments(sources)
    })
  }

  /** Resolves when no merge is under way. */
  async idle(): Promise<void> {
    await this.#running.catch(() => {})
    await Promise.all(this.#dropping)
  }

  /** Resolves when no merge is running; sources that a scan holds may still wait to be dropped. */
  async settled(): Promise<void> {
    await this.#running.catch(() => {})
  }

  /** Ends a running merge at its next slice. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await this.idle()
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#running
      .catch(() => {})
      .then(async () => {
        this.#isBusy = true
        try {
          await this.#options.loaded()
          return await work()
        } catch (error) {
          throw fromLog(error)
        } finally {
          this.#isBusy = false
        }
      })
    this.#running = result
    return result
  }

  async #inBackground(): Promise<void> {
    const policy: MergePolicy = {
      deadRatioMin: 0.5,
      emptyRatioMin: 0.9,
      smallBytes: this.#segmentBytes / 8,
      smallCountMin: 8,
      sparesMemory: true,
      outputBytesMax: this.#segmentBytes * 0.9,
    }
    for (let round = 0; round < MERGE_ROUNDS_MAX && !this.#isStopping; round++) {
      if (this.#engine.log.error !== null) return
      const { log, ledger } = this.#engine
      const stats = ledger.stats(log)
      const sources = pickMergeCandidates(stats, policy)
      if (sources.length === 0) {
        // What is still being sealed is looked at with the progress that its sealing makes.
        if (stats.some(({ segment, sealed }) => !sealed && segment < log.reservedSegment))
          this.#checkedSegment = -1
        return
      }
      await this.#mergeSegments(sources)
    }
  }

  async #mergeSegments(numbers: number[]): Promise<MergeReport> {
    const { log, ledger } = this.#engine
    const stats = ledger.stats(log)
    const sources = stats.filter(({ segment }) => numbers.includes(segment))
    // The order in which they are dropped.
    sources.sort((a, b) => a.ageMax - b.ageMax || a.segment - b.segment)
    const run = new MergeRun(this.#engine, this.#around, sources, stats)
    const { report } = run
    if (sources.length === 0) return report
    this.totalBytes = report.bytesBefore
    this.doneBytes = 0
    try {
      await run.run()
    } catch (error) {
      if (error instanceof Stopped) return report
      throw error
    } finally {
      this.totalBytes = 0
      this.doneBytes = 0
    }
    this.merges += 1
    this.mergedBytes += report.bytesAfter
    await this.#drop(run, numbers)
    return report
  }

  /** A scan may hold the sources for long: the next merge does not wait for that. */
  async #drop(run: MergeRun, numbers: number[]): Promise<void> {
    const dropped = run.drop()
    if (!numbers.some((segment) => this.#engine.ledger.isPinned(segment))) return dropped
    const quietly = dropped.catch((error: unknown) => {
      this.#options.logger?.warn(`merged segments stay: ${fromLog(error).message}`)
    })
    this.#dropping.add(quietly)
    quietly.finally(() => this.#dropping.delete(quietly))
  }
}
