/**
 * Disks that lie: the planted faults of the rows that cut the power. Each keeps the one promise it is asked
 * for in appearance only.
 */
import type { Done } from '@minivault/wal'
import { MemoryFileSystem } from '@minivault/wal/testing'

/** Says that it has synced a file's bytes. */
export class LyingDisk extends MemoryFileSystem {
  override datasyncSync(): void {}
  override syncSync(): void {}
  override datasync(_descriptor: number, done: Done): void {
    queueMicrotask(() => {
      if (!this.crashed) done(null)
    })
  }
  override sync(descriptor: number, done: Done): void {
    this.datasync(descriptor, done)
  }
}

/** Says that it has synced a folder's names. */
export class ForgetfulDisk extends MemoryFileSystem {
  override syncDirectorySync(): void {}
  override syncDirectory(_path: string, done: Done): void {
    queueMicrotask(() => {
      if (!this.crashed) done(null)
    })
  }
}
