/**
 * The snapshots of a log that are under way: what they are made of, and that closing the log ends them.
 */
import type { FileSystem } from './file-system.ts'
import type { Scheduler } from './scheduler.ts'
import type { SegmentTable } from './segment-table.ts'
import { Snapshot, type SnapshotOptions, type SnapshotReport } from './snapshot.ts'
import type { Syncer } from './syncer.ts'

export interface SnapshotsOptions {
  fileSystem: FileSystem
  scheduler: Scheduler
  table: SegmentTable
  syncer: Syncer
}

export class Snapshots {
  readonly #options: SnapshotsOptions
  readonly #running = new Set<Promise<SnapshotReport>>()
  #stopped = false

  constructor(options: SnapshotsOptions) {
    this.#options = options
  }

  /** Of all that is sealed now. */
  async take(directory: string, options: SnapshotOptions): Promise<SnapshotReport> {
    const { fileSystem, scheduler, table, syncer } = this.#options
    const segments = table.all().filter((segment) => segment.sealed)
    const manifest = syncer.manifestOf(segments, true, 0)
    const isClosing = (): boolean => this.#stopped
    const pause = (): Promise<void> => new Promise((resolve) => scheduler.afterTurn(resolve))
    const source = { fileSystem, segments, manifest, isClosing, pause }
    const running = new Snapshot(source, directory, options).take()
    this.#running.add(running)
    return running.finally(() => this.#running.delete(running))
  }

  /** Ends them; resolves when none touches the disk any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.allSettled(this.#running)
  }
}
