/**
 * The long work beside reads and writes: loading the index, merges, snapshots, verification, and the return
 * from a full disk. All of it goes in slices and ends at its next one when the store closes.
 */

import { resolve, sep } from 'node:path'
import { hashKey } from '@minivault/codec'
import { nodeFileSystem, nodeRandom, nodeScheduler } from '@minivault/wal'
import { DiskFullWatch } from './disk-full-watch.ts'
import type { Engine } from './engine.ts'
import { folderAt } from './folder.ts'
import { closedError } from './hot-door.ts'
import type { MergeReport } from './merge-run.ts'
import { Merger } from './merger.ts'
import { nodeNow } from './node-ports.ts'
import type { OpenedFolder } from './opened-folder.ts'
import { closeIndex, type OpenedIndex } from './opened-index.ts'
import { type Scans, scanExpired } from './scan/scans.ts'
import { Snapshot, type SnapshotOptions, type SnapshotParts, type SnapshotReport } from './snapshot.ts'
import { fromLog, StorageError } from './storage-error.ts'
import type { StoreOptions } from './store-options.ts'
import { Verification, type VerifyOptions, type VerifyParts, type VerifyReport } from './verify.ts'

export class Maintenance {
  readonly merger: Merger
  readonly #engine: Engine
  readonly #options: StoreOptions
  readonly #reopen: () => Promise<OpenedIndex>
  readonly #scans: Scans
  readonly #space: DiskFullWatch
  readonly #jobs = new Set<Promise<unknown>>()
  /** What the engine runs on: the folder's, or what was read anew after a full disk. */
  #index: OpenedIndex
  #isClosing = false

  constructor(engine: Engine, options: StoreOptions, opened: OpenedFolder, scans: Scans) {
    const { scheduler = nodeScheduler, fileSystem = nodeFileSystem, directory, logger } = options
    this.#engine = engine
    this.#options = options
    this.#index = opened
    this.#reopen = opened.reopen
    this.#scans = scans
    const goOn = () => this.#goOn()
    this.#space = new DiskFullWatch({ fileSystem, scheduler, directory, goOn, isFull: () => this.#isFull() })
    this.merger = new Merger(engine, {
      scheduler,
      logger,
      segmentBytes: options.segmentBytes,
      loaded: () => this.loaded(),
      hash: options.hash ?? hashKey,
      now: options.now ?? nodeNow,
      mayRelease: options.mayRelease,
    })
    if (options.autoMerge !== false) this.merger.watch()
  }

  get loader() {
    return this.#index.loader
  }

  async loaded(): Promise<void> {
    try {
      await this.#index.loaded
    } catch (error) {
      throw fromLog(error)
    }
  }

  /** The log's marks have moved, or it has failed. */
  progress(): void {
    if (this.#isFull() && !this.#isClosing) this.#space.begin()
  }

  #isFull(): boolean {
    return this.#engine.error?.code === 'STORAGE_DISK_FULL'
  }

  async merge(): Promise<MergeReport> {
    this.#check()
    return this.merger.merge()
  }

  async snapshot(directory: string, options: SnapshotOptions): Promise<SnapshotReport> {
    if (`${resolve(directory)}${sep}`.startsWith(`${resolve(this.#options.directory)}${sep}`)) {
      const message = `${directory} lies in the store's own folder: choose one beside it`
      throw new StorageError('STORAGE_FOLDER', message, { path: directory })
    }
    return this.#job((parts) => new Snapshot(parts, directory, options).take())
  }

  async verify(options: VerifyOptions): Promise<VerifyReport> {
    return this.#job((parts) => new Verification(parts, options).run())
  }

  /** Resolves when none of it is under way. */
  async close(): Promise<void> {
    this.#isClosing = true
    await this.#space.stop()
    this.#index.loader.stop()
    await this.#index.loaded.catch(() => {})
    await this.merger.stop()
    await Promise.allSettled(this.#jobs)
  }

  #check(): void {
    if (this.#engine.closed || this.#isClosing) throw closedError()
  }

  async #job<T>(work: (parts: SnapshotParts & VerifyParts) => Promise<T>): Promise<T> {
    this.#check()
    const { directory, fileSystem = nodeFileSystem, random = nodeRandom } = this.#options
    const { hash = hashKey, scheduler = nodeScheduler } = this.#options
    const job = work({
      engine: this.#engine,
      fileSystem,
      folder: folderAt(directory),
      random,
      hash,
      turn: () => new Promise((resolve) => scheduler.afterTurn(resolve)),
      isClosing: () => this.#isClosing,
    })
    this.#jobs.add(job)
    try {
      return await job
    } finally {
      this.#jobs.delete(job)
    }
  }

  /** The disk has room again: what is on it is read anew, and writes are taken from then on. */
  async #goOn(): Promise<void> {
    const engine = this.#engine
    const before = this.#index
    // Not until scans let merged segments go: they are ended below.
    await this.merger.settled()
    await Promise.allSettled(this.#jobs)
    await engine.keys.idle()
    const index = await this.#reopen()
    if (this.#isClosing) return closeIndex(index)
    this.#scans.fail(scanExpired('the disk was full'))
    engine.restart(index)
    this.#index = index
    this.#options.logger?.info('the disk has room again: writes go on')
    await closeIndex(before)
  }
}
