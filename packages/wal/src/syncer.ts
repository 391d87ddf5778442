/**
 * The patient half of the log: everything that waits for the device. One call at a time, in rounds: seal the
 * segments that have rolled, write the manifest (and then remove what was dropped), fdatasync the active
 * segment for whoever asked. So all who ask while a sync is under way share the next one (group commit), and
 * the durable mark never passes an unsealed segment.
 *
 * A round takes only what was there when it began, and whoever waits is told as soon as what they need is
 * done, not when nothing is left to do: under unbroken load that may be never.
 *
 * The first error ends it for ever: a second fsync would report success over pages the kernel has already
 * thrown away.
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

/** Needs a durable manifest that says that `segment` is sealed (0: just the next one). */
interface ManifestWaiter {
  segment: number
  resolve: () => void
  reject: (error: WalError) => void
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
  /** Those who need a manifest that is not begun yet, and those whose manifest is being written. */
  #waiting: ManifestWaiter[] = []
  #served: ManifestWaiter[] = []
  #writing = false
  #active: Segment | null = null
  #wantedOffset = 0
  #failure: WalError | null = null
  #running = false
  /** What is being done, for the message of an error. */
  #doing = ''
  #path = ''
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

  /**
   * The table has changed; `clean` says what the manifest is to say about the log's end. Resolves when a
   * manifest that was begun after this call is durable.
   */
  writeManifest(clean: boolean): Promise<void> {
    this.#clean = clean
    this.#manifestWanted = true
    return this.#wait(0)
  }

  /** Resolves when every seal, manifest and removal asked for before this call is done. */
  settled(): Promise<void> {
    const rolled = this.#rolled.at(-1)
    if (rolled || this.#manifestWanted) return this.#wait(rolled?.number ?? 0)
    if (!this.#writing) return Promise.resolve()
    return new Promise((resolve, reject) => this.#served.push({ segment: 0, resolve, reject }))
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

  /** Resolves when nothing is under way. Call `stop` first: it may be never otherwise. */
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

  /** Nothing new is begun from here on; whoever waits is told this error. */
  stop(error: WalError): void {
    this.#failure ??= error
    if (!this.#running) this.#refuse()
  }

  #wait(segment: number): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ segment, resolve, reject })
      this.#run()
    })
  }

  #refuse(): void {
    for (const waiter of [...this.#served.splice(0), ...this.#waiting.splice(0)])
      waiter.reject(this.#failure!)
  }

  #run(): void {
    if (this.#running || this.#failure) return
    this.#running = true
    void this.#work()
  }

  async #work(): Promise<void> {
    try {
      while (!this.#failure && this.#hasWork()) await this.#round()
    } catch (error) {
      if (!this.#failure) {
        this.#failure = fromSystem(error, this.#doing, this.#path)
        this.#options.onFailed(this.#failure)
      }
    }
    this.#running = false
    if (this.#failure) this.#refuse()
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  #hasWork(): boolean {
    return this.#rolled.length > 0 || this.#manifestWanted || this.#isSyncWanted()
  }

  #isSyncWanted(): boolean {
    return this.#active !== null && this.#isBeyond(this.#active.number, this.#wantedOffset)
  }

  async #round(): Promise<void> {
    for (let seals = this.#rolled.length; seals > 0 && !this.#failure; seals--) await this.#sealOne()
    if (this.#manifestWanted && !this.#failure) await this.#replaceManifest()
    // What rolled meanwhile goes before what came after it.
    if (this.#rolled.length === 0 && this.#isSyncWanted() && !this.#failure) await this.#syncActive()
  }

  async #sealOne(): Promise<void> {
    const segment = this.#rolled[0]!
    this.#doing = 'sealing'
    this.#path = segment.path
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

  async #syncActive(): Promise<void> {
    const segment = this.#active!
    const offset = this.#wantedOffset
    this.#doing = 'syncing'
    this.#path = segment.path
    await new Promise<void>((resolve, reject) => {
      this.#fileSystem.datasync(segment.descriptor, (error) => (error ? reject(error) : resolve()))
    })
    if (!segment.named) await this.#syncDirectory()
    segment.named = true
    this.#move(segment.number, offset)
    this.#options.onMoved()
  }

  async #replaceManifest(): Promise<void> {
    const path = join(this.#options.directory, MANIFEST_NAME)
    this.#doing = 'writing'
    this.#path = path
    this.#manifestWanted = false
    const dropped = this.#dropped
    this.#dropped = []
    this.#served = this.#waiting.filter(({ segment }) => segment <= this.#lastLog)
    this.#waiting = this.#waiting.filter(({ segment }) => segment > this.#lastLog)
    const sealed = this.#options.table.all().filter((segment) => segment.sealed)
    this.#writing = true
    await this.#writeManifestFile(path, sealed)
    this.generation++
    for (const segment of sealed) segment.named = true
    for (const segment of dropped) this.#fileSystem.remove(segment.path)
    this.#writing = false
    for (const waiter of this.#served.splice(0)) waiter.resolve()
  }

  async #writeManifestFile(path: string, sealed: Segment[]): Promise<void> {
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
