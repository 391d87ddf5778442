/**
 * From a path to a folder that is ours: locked, of our layout, its log replayed into an index, its orphaned
 * blob files removed. What fails on the way is undone: no descriptor stays open, no lock stays held.
 */

import { join } from 'node:path'
import type { Version } from '@minivault/clock'
import { hashKey } from '@minivault/codec'
import { type FileSystem, Log, nodeFileSystem, nodeRandom, nodeScheduler } from '@minivault/wal'
import { BlobFiles } from './blob/blob-files.ts'
import { ensureFolder, folderAt, folderError, LAYOUT_HASH, readOrCreateFormat } from './folder.ts'
import { FolderLock } from './folder-lock.ts'
import { Keydir } from './keydir.ts'
import { CACHE_BYTES_DEFAULT } from './limits.ts'
import { Lookup } from './lookup.ts'
import { nodeProcesses } from './node-ports.ts'
import { ReplayIndex } from './replay-index.ts'
import { SegmentLedger } from './segment-ledger.ts'
import { fromLog, type StorageError } from './storage-error.ts'
import { checkOptions, type StoreOptions, windowBytesOf } from './store-options.ts'

export interface OpenedFolder {
  readonly log: Log
  readonly lookup: Lookup
  readonly ledger: SegmentLedger
  readonly blobs: BlobFiles
  /** The highest of the user's space that was found. */
  readonly highestBallot: Version
  readonly lock: FolderLock | null
  readonly nodeId: string
  /** Drawn for this open. */
  readonly writerId: number
  /** Lets everything go after a failure, and says it in this package's words. */
  abandon(error: unknown): Promise<StorageError>
}

/** Throws what `Store.open` throws. `onProgress` is the log's. */
export async function openFolder(options: StoreOptions, onProgress: () => void): Promise<OpenedFolder> {
  checkOptions(options)
  const { fileSystem = nodeFileSystem, random = nodeRandom, scheduler = nodeScheduler } = options
  const folder = folderAt(options.directory)
  let lock: FolderLock | null = null
  let log: Log | null = null
  const abandon = async (error: unknown) => {
    await log?.close().catch(() => {})
    try {
      lock?.release()
    } catch {
      // The first error is the one to tell.
    }
    return fromLog(folderError(options.directory, error))
  }
  try {
    ensureFolder(fileSystem, folder.directory)
    const processes = processesOf(options, fileSystem)
    const nonce = Buffer.from(random(8)).toString('hex')
    if (processes !== null) lock = FolderLock.acquire(fileSystem, folder.directory, processes, nonce)
    const nodeId = readOrCreateFormat(fileSystem, folder.directory, random)
    const keydir = new Keydir()
    const ledger = new SegmentLedger()
    const readBack = readerOf(fileSystem, folder.logDirectory)
    const replay = new ReplayIndex({ keydir, ledger, hash: options.hash ?? hashKey, readBack })
    const windowBytes = windowBytesOf(options)
    log = await Log.open(
      {
        directory: folder.logDirectory,
        fileSystem,
        scheduler,
        random,
        windowBytes,
        layoutHash: LAYOUT_HASH,
        onProgress,
        ...(options.segmentBytes === undefined ? {} : { segmentBytes: options.segmentBytes }),
      },
      { entry: (segment, offset, bytes, start, end) => replay.add(segment, offset, bytes, start, end) },
    )
    const blobs = new BlobFiles(fileSystem, folder.blobDirectory)
    const liveBlobs = replay.finish()
    await blobs.collectOrphans(
      (name) => !liveBlobs.has(name),
      () => new Promise((resolve) => scheduler.afterTurn(resolve)),
    )
    const cacheBytes = Math.max(0, (options.cacheBytes ?? CACHE_BYTES_DEFAULT) - windowBytes)
    const lookup = new Lookup(log, keydir, cacheBytes)
    const writerId = new DataView(random(4).slice().buffer).getUint32(0, true)
    const { highestBallot } = replay
    return { log, lookup, ledger, blobs, highestBallot, lock, nodeId, writerId, abandon }
  } catch (error) {
    throw await abandon(error)
  }
}

/** The lock asks this machine's processes; another file system than the real one has none. */
function processesOf(options: StoreOptions, fileSystem: FileSystem) {
  if (options.processes !== undefined) return options.processes
  return fileSystem === nodeFileSystem ? nodeProcesses : null
}

/** Reads payload bytes while the log is still opening. */
function readerOf(fileSystem: FileSystem, logDirectory: string) {
  return (segment: number, offset: number, target: Uint8Array, length: number) => {
    const descriptor = fileSystem.open(join(logDirectory, `${String(segment).padStart(10, '0')}.seg`), 'read')
    try {
      fileSystem.readSync(descriptor, target, 0, length, offset)
    } finally {
      fileSystem.close(descriptor)
    }
  }
}
