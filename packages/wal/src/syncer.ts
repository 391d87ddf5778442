/**
 * The patient half of the log: everything that waits for the device. One task at a time, in this order: seal rolled segments, write the
 * manifest (and then remove what was dropped), fdatasync the active segment for whoever asked. So all who ask while a sync is under
 * way share the next one (group commit), and the durable mark never passes an unsealed segment.
 *
 * The first error ends it for ever: a second fsync would report success over pages the kernel has already thrown away.
 */
import { join } from 'node:path'
import { type FileSystem, writeAll } from './file-system.ts'
import { encodeManifest, MANIFEST_NAME, MANIFEST_UNFINISHED_NAME } from './manifest.ts'
import type { Segment, SegmentTable } from './segment-table.ts'
import { fromSystem, type WalError } from './wal-error.ts'

export interface SyncerOptions {
  fileSystem: FileSystem
  directory: string
  table: SegmentTable
  layoutHash: number
  /** What the newest durable manifest says. */
  generation: number
  lastLog: number
  clean: boolean
  highest: () => number
  onMoved: () => void
  onFailed: (error: WalError) => void
}

export class Syncer {
  durableSegment = 0
  durableOffset = 0
  generation: number
  readonly #options: SyncerOptions
  readonly #fileSystem: FileSystem
  readonly #rolled: Segment[] = []
  #dropped: Segment[] = []
  #lastLog: number
  #clean: boolean
  #manifestWanted = false
  #active: Segment | null = null
  #wantedOffset = 0
  #failure: WalError | null = null
  #running = false
  #idle: (() => void)[] = []

  constructor(options: SyncerOptions) {
    this.#options = options
    this.#fileSystem = options.fileSystem
    this.generation = options.generation
    this.#lastLog = options.lastLog
    this.#clean = options.clean
  }

  /** Everything up to here was found on disk at open. */
  start(segment: number, offset: number): void {
    this.durableSegment = segment
    this.durableOffset = offset
  }

  /** All of `segment` below `offset` is wanted durable. */
  want(segment: Segment, offset: number): void {
    if (this.#active !== segment) this.#wantedOffset = 0
    this.#active = segment
    if (offset > this.#wantedOffset) this.#wantedOffset = offset
    this.#run()
  }

  /** `segment` gets no more bytes. */
  seal(segment: Segment): void {
    if (this.#active === segment) this.#active = null
    this.#rolled.push(segment)
    this.#run()
  }

  /** The table has changed; `clean` says what the manifest is to say about the log's end. */
  writeManifest(clean: boolean): void {
    this.#clean = clean
    this.#manifestWanted = true
    this.#run()
  }

  /** Removes the file once no manifest lists it. */
  drop(segment: Segment): void {
    this.#dropped.push(segment)
    this.#manifestWanted = true
    this.#run()
  }

  get clean(): boolean {
    return this.#clean
  }

  /** Resolves when nothing is left to do, or all has failed. */
  idle(): Promise<void> {
    if (!this.#running) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  /** Makes everything up to here durable before it returns. Throws what the file system throws. */
  syncNow(active: Segment | null): void {
    let names = false
    for (const segment of active ? [...this.#rolled, active] : this.#rolled) {
      this.#fileSystem.datasyncSync(segment.barrier)
      names ||= !segment.named
    }
    if (names) this.#fileSystem.syncDirectorySync(this.#options.directory)
    for (const segment of active ? [...this.#rolled, active] : this.#rolled) {
      segment.named = true
      this.#move(segment.number, segment.bytes)
    }
  }

  stop(error: WalError): void {
    this.#failure ??= error
  }

  #run(): void {
    if (this.#running || this.#failure) return
    this.#running = true
    void this.#work()
  }

  async #work(): Promise<void> {
    let doing = 'syncing'
    let path = this.#options.directory
    try {
      for (;;) {
        if (this.#failure) break
        const rolled = this.#rolled[0]
        const active = this.#active
        if (rolled) {
          doing = 'sealing'
          path = rolled.path
          await this.#sealOne(rolled)
        } else if (this.#manifestWanted) {
          doing = 'writing'
          path = join(this.#options.directory, MANIFEST_NAME)
          await this.#replaceManifest(path)
        } else if (active && this.#isBeyond(active.number, this.#wantedOffset)) {
          doing = 'syncing'
          path = active.path
          await this.#syncActive(active, this.#wantedOffset)
        } else break
      }
    } catch (error) {
      if (!this.#failure) {
        this.#failure = fromSystem(error, doing, path)
        this.#options.onFailed(this.#failure)
      }
    }
    this.#running = false
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  async #sealOne(segment: Segment): Promise<void> {
    this.#fileSystem.truncate(segment.descriptor, segment.bytes)
    await this.#sync(segment.descriptor)
    if (!segment.named) await this.#syncDirectory()
    segment.named = true
    this.#rolled.shift()
    this.#options.table.markSealed(segment)
    this.#lastLog = Math.max(this.#lastLog, segment.number)
    this.#manifestWanted = true
    this.#move(segment.number, segment.bytes)
    this.#options.onMoved()
  }

  async #syncActive(segment: Segment, offset: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#fileSystem.datasync(segment.descriptor, (error) => (error ? reject(error) : resolve()))
    })
    if (!segment.named) await this.#syncDirectory()
    segment.named = true
    this.#move(segment.number, offset)
    this.#options.onMoved()
  }

  async #replaceManifest(path: string): Promise<void> {
    this.#manifestWanted = false
    const dropped = this.#dropped
    this.#dropped = []
    const sealed = this.#options.table.all().filter((segment) => segment.sealed)
    const bytes = encodeManifest({
      clean: this.#clean,
      layoutHash: this.#options.layoutHash,
      generation: this.generation + 1,
      lastLog: this.#lastLog,
      highest: this.#options.highest(),
      rows: sealed.map(({ number, id, bytes, kind }) => ({ number, id, bytes, kind })),
    })
    const unfinished = join(this.#options.directory, MANIFEST_UNFINISHED_NAME)
    const descriptor = this.#fileSystem.open(unfinished, 'create')
    try {
      writeAll(this.#fileSystem, descriptor, bytes, 0, bytes.length, 0)
      await this.#sync(descriptor)
    } finally {
      this.#fileSystem.close(descriptor)
    }
    this.#fileSystem.rename(unfinished, path)
    await this.#syncDirectory()
    this.generation++
    for (const segment of sealed) segment.named = true
    for (const segment of dropped) this.#fileSystem.remove(segment.path)
  }

  #sync(descriptor: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#fileSystem.sync(descriptor, (error) => (error ? reject(error) : resolve()))
    })
  }

  #syncDirectory(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#fileSystem.syncDirectory(this.#options.directory, (error) => (error ? reject(error) : resolve()))
    })
  }

  #isBeyond(segment: number, offset: number): boolean {
    return segment > this.durableSegment || (segment === this.durableSegment && offset > this.durableOffset)
  }

  #move(segment: number, offset: number): void {
    if (!this.#isBeyond(segment, offset)) return
    this.durableSegment = segment
    this.durableOffset = offset
  }
}
