/**
 * From a path to a folder that is ours: locked, of our layout, its log replayed into an index, its orphaned
 * blob files removed. What fails on the way is undone: no descriptor stays open, no lock stays held.
 */

import type { Version } from '@minivault/clock'
import { hashKey } from '@minivault/codec'
import { type FileSystem, Log, nodeFileSystem, nodeRandom, nodeScheduler } from '@minivault/wal'
import { BlobFiles } from './blob/blob-files.ts'
import { ensureFolder, folderAt, folderError, LAYOUT_HASH, readOrCreateFormat } from './folder.ts'
import { FolderLock } from './folder-lock.ts'
import { Keydir } from './keydir.ts'
import { HintMaker } from './keys/hint-maker.ts'
import { KeyIndex } from './keys/key-index.ts'
import { KeydirLoader } from './keys/keydir-loader.ts'
import { CACHE_BYTES_DEFAULT, LOAD_AT_OPEN_ENTRIES } from './limits.ts'
import { Lookup } from './lookup.ts'
import { nodeProcesses } from './node-ports.ts'
import { SegmentLedger } from './segment-ledger.ts'
import { fromLog, type StorageError } from './storage-error.ts'
import { checkOptions, type StoreOptions, windowBytesOf } from './store-options.ts'

export interface OpenedFolder {
  readonly log: Log
  readonly lookup: Lookup
  readonly ledger: SegmentLedger
  readonly keys: KeyIndex
  readonly blobs: BlobFiles
  /** The highest of the user's space that was found. */
  readonly highestBallot: Version
  readonly lock: FolderLock | null
  readonly nodeId: string
  /** Drawn for this open. */
  readonly writerId: number
  readonly loader: KeydirLoader
  /** The index is loaded, and blob files without a record are gone. */
  readonly loaded: Promise<void>
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
    const hash = options.hash ?? hashKey
    fileSystem.makeDirectory(folder.hintDirectory)
    const maker = new HintMaker({
      fileSystem,
      directory: folder.hintDirectory,
      layoutHash: LAYOUT_HASH,
      hash,
    })
    const windowBytes = windowBytesOf(options)
    const { segmentBytes } = options
    log = await Log.open(
      {
        ...{ fileSystem, scheduler, random, windowBytes, onProgress },
        directory: folder.logDirectory,
        layoutHash: LAYOUT_HASH,
        ...(segmentBytes === undefined ? {} : { segmentBytes }),
      },
      maker,
    )
    maker.removeStrays()
    const pause = () => new Promise<void>((resolve) => scheduler.afterTurn(resolve))
    const ledger = new SegmentLedger()
    for (const { number, ageMin, ageMax } of maker.segments.values()) ledger.setAges(number, ageMin, ageMax)
    const keys = new KeyIndex(log, maker, pause, (error) => {
      options.logger?.warn(`a hint file could not be written: ${fromLog(error).message}`)
    })
    const blobs = new BlobFiles(fileSystem, folder.blobDirectory)
    const cacheBytes = Math.max(0, (options.cacheBytes ?? CACHE_BYTES_DEFAULT) - windowBytes)
    const lookup = new Lookup(log, new Keydir(options.keydirBytes), keys, cacheBytes)
    const writerId = new DataView(random(4).slice().buffer).getUint32(0, true)
    const { highestBallot } = maker
    const loader = new KeydirLoader(keys, lookup, ledger, hash)
    const isSmall = loader.total <= LOAD_AT_OPEN_ENTRIES
    const loaded = load(loader, blobs, writerId, isSmall ? () => Promise.resolve() : pause)
    if (isSmall) await loaded
    return {
      log,
      lookup,
      ledger,
      keys,
      blobs,
      highestBallot,
      lock,
      nodeId,
      writerId,
      loader,
      loaded,
      abandon,
    }
  } catch (error) {
    throw await abandon(error)
  }
}

/** The lock asks this machine's processes; another file system than the real one has none. */
function processesOf(options: StoreOptions, fileSystem: FileSystem) {
  if (options.processes !== undefined) return options.processes
  return fileSystem === nodeFileSystem ? nodeProcesses : null
}

/** Loads the index, then removes the blob files that no record names. */
async function load(
  loader: KeydirLoader,
  blobs: BlobFiles,
  writerId: number,
  pause: () => Promise<void>,
): Promise<void> {
  await loader.run(pause)
  if (loader.isStopped) return
  const own = writerId.toString(16).padStart(8, '0')
  const { liveBlobs } = loader
  // A file of this life is known to whoever writes it.
  const isOrphan = (name: string) => !liveBlobs.has(name.replace('-', '')) && name.slice(17, 25) !== own
  await blobs.collectOrphans(isOrphan, pause)
  liveBlobs.clear()
}
