/**
 * After the disk was full: looks now and then whether there is room again, and has the store go on then. What
 * failed to be written was told to those who wrote it; what is on disk is read anew before anything is added,
 * as after every failed write.
 */

import { join } from 'node:path'
import { type FileSystem, type Scheduler, writeAll } from '@minivault/wal'
import { SPACE_LOOK_MS, SPACE_PROBE_BYTES } from './limits.ts'

export interface DiskFullWatchOptions {
  fileSystem: FileSystem
  scheduler: Scheduler
  directory: string
  isFull: () => boolean
  /** Rejects when it could not; it is tried again then. */
  goOn: () => Promise<void>
}

export class DiskFullWatch {
  readonly #options: DiskFullWatchOptions
  #timer: unknown = null
  #looking: Promise<void> | null = null
  #isStopped = false

  constructor(options: DiskFullWatchOptions) {
    this.#options = options
  }

  /** The disk is full: begins to look, unless it does already. */
  begin(): void {
    if (this.#timer !== null || this.#looking !== null || this.#isStopped) return
    this.#timer = this.#options.scheduler.after(SPACE_LOOK_MS, () => {
      this.#timer = null
      this.#looking = this.#look()
    })
  }

  /** Resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true
    if (this.#timer !== null) this.#options.scheduler.cancel(this.#timer)
    this.#timer = null
    await this.#looking
  }

  async #look(): Promise<void> {
    let isOver = false
    try {
      if (this.#hasRoom()) {
        await this.#options.goOn()
        isOver = true
      }
    } catch {
      // Not yet.
    }
    this.#looking = null
    if (!isOver || this.#options.isFull()) this.begin()
  }

  #hasRoom(): boolean {
    const { fileSystem, directory } = this.#options
    const path = join(directory, '.space')
    let descriptor = -1
    try {
      if (fileSystem.exists(path)) fileSystem.remove(path)
      descriptor = fileSystem.open(path, 'create')
      writeAll(fileSystem, descriptor, new Uint8Array(SPACE_PROBE_BYTES), 0, SPACE_PROBE_BYTES, 0)
      return true
    } catch {
      return false
    } finally {
      if (descriptor >= 0) {
        fileSystem.close(descriptor)
        fileSystem.remove(path)
      }
    }
  }
}
