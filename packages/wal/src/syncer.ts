/**
 * The patient half of the log: everything that waits for the device. One call at a time, in rounds: seal the
 * segments that have rolled, write the manifest (and then remove what was dropped), fdatasync the active
 * segment for whoever asked. So all who ask while a sync is under way share the next one (group commit), and
 * the durable mark never passes an unsealed segment.
 *
 * A round takes only what was there when it began, and whoever waits is told as soon as what they need is
 * done, not when nothing is left to do: under unbroken load that may be never.
 *
 * The first error, but for a manifest that found no space, ends it for ever: a second fsync would report
 * success over pages the kernel has already thrown away.
 */
import { join } from 'node:path'
import { type FileSystem, promised } from './file-system.ts'
import { TAIL_SYNC_BYTES } from './limits.ts'
import { MANIFEST_NAME, type Manifest } from './manifest.ts'
import { replaceManifest } from './manifest-file.ts'
import type { Segment, SegmentTable } from './segment-table.ts'
import { fromSystem, type WalError } from './wal-error.ts'

/** Above every offset: with the highest number, a mark that all that open found lies below. */
const EVERY_OFFSET = 0x7fffffff

export interface SyncerOptions {
  fileSystem: FileSystem
  directory: string
  table: SegmentTable
  layoutHash: number
  /** What the newest durable manifest says. */
  generation: number
  lastLog: number
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
  /** What manifests say about the log's end: a log in use was not closed. */
  #clean = false
  #manifestWanted = false
  /** The newest one could not be written for want of space. */
  #owesManifest = false
  /** Those who need a manifest that is not begun yet, and those whose manifest is being written. */
  #waiting: ManifestWaiter[] = []
  #served: ManifestWaiter[] = []
  #writing = false
  #active: Segment | null = null
  #wantedOffset = 0
  #failure: WalError | null = null
  #running = false
  /** Removals of files under way. */
  readonly #removing = new Set<Promise<void>>()
  /** What is being done, for the message of an error. */
  #doing = ''
  #path = ''
  #idle: (() => void)[] = []

  constructor(options: SyncerOptions) {
    this.#options = options
    this.#fileSystem = options.fileSystem
    this.generation = options.generation
    this.#lastLog = options.lastLog
  }

  /** Everything up to this segment was found on disk at open. */
  start(segment: number): void {
    this.durableSegment = segment
    this.durableOffset = EVERY_OFFSET
  }

  /** All of `segment` below `offset` is wanted durable. */
  want(segment: Segment, offset: number): void {
    if (this.#active !== segment) this.#wantedOffset = 0
    this.#active = segment
    if (offset > this.#wantedOffset) this.#wantedOffset = offset
    this.#run()
  }

  /**
   * More of `segment` is written. It is synced where somebody asked, and else now and then: who asks next, or
   * the seal, would otherwise wait for all that many writers left behind who did not.
   */
  wrote(segment: Segment, isAsked: boolean): void {
    const durable = segment.number === this.durableSegment ? this.durableOffset : 0
    const wanted = segment === this.#active ? this.#wantedOffset : 0
    if (isAsked || segment.bytes - Math.max(durable, wanted) >= TAIL_SYNC_BYTES)
      this.want(segment, segment.bytes)
  }

  /** `segment` gets no more bytes. */
  seal(segment: Segment): void {
    if (this.#active === segment) this.#active = null
    this.#rolled.push(segment)
    this.#run()
  }

  /**
   * The table has changed, or the log is `clean` at its end from now on. Resolves when a manifest that was
   * begun after this call is durable; rejects with WAL_FULL where it could not be written, which harms
   * nothing else.
   */
  writeManifest(clean: boolean = this.#clean): Promise<void> {
    this.#clean = clean
    this.#manifestWanted = true
    return this.#wait(0)
  }

  /** Resolves when every seal, manifest and removal asked for before this call is done. */
  async settled(): Promise<void> {
    const removing = [...this.#removing]
    const rolled = this.#rolled.at(-1)
    if (this.#owesManifest) this.#manifestWanted = true
    if (rolled || this.#manifestWanted) await this.#wait(rolled?.number ?? 0)
    else if (this.#writing)
      await new Promise<void>((resolve, reject) => this.#served.push({ segment: 0, resolve, reject }))
    await Promise.all(removing)
  }

  /** Removes the file once no manifest lists it. */
  drop(segment: Segment): void {
    this.#dropped.push(segment)
    this.#manifestWanted = true
    this.#run()
  }

  /** Whether the syncer has ended for good. */
  get failed(): boolean {
    return this.#failure !== null
  }

  /** Resolves when nothing is under way. Call `stop` first: it may be never otherwise. */
  async idle(): Promise<void> {
    if (this.#running) await new Promise<void>((resolve) => this.#idle.push(resolve))
    await Promise.all(this.#removing)
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
      this.#fail(fromSystem(error, this.#doing, this.#path))
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
    await promised((done) => this.#fileSystem.datasync(segment.descriptor, done))
    if (!segment.named) await this.#syncDirectory()
    segment.named = true
    this.#move(segment.number, offset)
    this.#options.onMoved()
  }

  async #replaceManifest(): Promise<void> {
    const { directory, table } = this.#options
    this.#doing = 'writing'
    this.#path = join(directory, MANIFEST_NAME)
    this.#manifestWanted = false
    const dropped = this.#dropped
    this.#dropped = []
    this.#served = this.#waiting.filter(({ segment }) => segment <= this.#lastLog)
    this.#waiting = this.#waiting.filter(({ segment }) => segment > this.#lastLog)
    const sealed = table.all().filter((segment) => segment.sealed)
    this.#writing = true
    try {
      await replaceManifest(this.#fileSystem, directory, this.manifestOf(sealed, this.#clean, 1))
    } catch (error) {
      return this.#postpone(fromSystem(error, this.#doing, this.#path), dropped)
    }
    await this.#syncDirectory()
    this.generation++
    this.#owesManifest = false
    for (const segment of sealed) segment.named = true
    this.#writing = false
    const served = this.#served.splice(0)
    if (dropped.length === 0) this.#tell(served)
    else void this.#removeFiles(dropped).then(() => this.#tell(served))
  }

  /**
   * A full disk, and the old manifest still counts: whoever waits is told, nobody else is harmed. The next
   * one that is asked for makes it good.
   */
  #postpone(error: WalError, dropped: Segment[]): void {
    if (error.code !== 'WAL_FULL') throw error
    this.#owesManifest = true
    this.#dropped.unshift(...dropped)
    this.#writing = false
    for (const waiter of this.#served.splice(0)) waiter.reject(error)
  }

  /** The manifest that lists these, `ahead` generations after the newest durable one. */
  manifestOf(sealed: Segment[], clean: boolean, ahead: number): Manifest {
    return {
      clean,
      layoutHash: this.#options.layoutHash,
      generation: this.generation + ahead,
      lastLog: this.#lastLog,
      highest: this.#options.highest(),
      rows: sealed.map(({ number, id, bytes, kind }) => ({ number, id, bytes, kind })),
    }
  }

  /**
   * To free a large file takes the system some time, which no sync need wait for. What a snapshot has not
   * linked yet goes once it has.
   */
  #removeFiles(dropped: Segment[]): Promise<void> {
    const held = dropped.filter((segment) => segment.holds > 0)
    for (const segment of held) segment.isRemovable = true
    const calls = dropped
      .filter((segment) => segment.holds === 0)
      .map(({ path }) => promised((done) => this.#fileSystem.unlink(path, done)))
    const removing = Promise.all(calls).then(
      () => {},
      (error) => this.#fail(fromSystem(error, 'removing', this.#options.directory)),
    )
    this.#removing.add(removing)
    return removing.finally(() => this.#removing.delete(removing))
  }

  #tell(waiters: ManifestWaiter[]): void {
    for (const { resolve, reject } of waiters) {
      if (this.#failure) reject(this.#failure)
      else resolve()
    }
  }

  #fail(error: WalError): void {
    if (this.#failure) return
    this.#failure = error
    this.#options.onFailed(error)
  }

  #sync(descriptor: number): Promise<void> {
    return promised((done) => this.#fileSystem.sync(descriptor, done))
  }

  #syncDirectory(): Promise<void> {
    return promised((done) => this.#fileSystem.syncDirectory(this.#options.directory, done))
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
