/**
 * What a data folder's log becomes in memory: the log itself, the index over it, and the loader that fills
 * the keydir. Opened with the folder, and once more when a full disk has room again.
 */

import type { Version } from '@minivault/clock'
import { hashKey } from '@minivault/codec'
import { Log, nodeFileSystem, nodeRandom, nodeScheduler } from '@minivault/wal'
import type { BlobFiles } from './blob/blob-files.ts'
import { type Folder, LAYOUT_HASH } from './folder.ts'
import { Keydir } from './keydir.ts'
import { HintMaker } from './keys/hint-maker.ts'
import { KeyIndex } from './keys/key-index.ts'
import { KeydirLoader } from './keys/keydir-loader.ts'
import { CACHE_BYTES_DEFAULT, LOAD_AT_OPEN_ENTRIES } from './limits.ts'
import { Lookup } from './lookup.ts'
import { SegmentLedger } from './segment-ledger.ts'
import { fromLog } from './storage-error.ts'
import { type StoreOptions, windowBytesOf } from './store-options.ts'

export interface OpenedIndex {
  readonly log: Log
  readonly lookup: Lookup
  readonly ledger: SegmentLedger
  readonly keys: KeyIndex
  /** The highest of the user's space that was found. */
  readonly highestBallot: Version
  readonly loader: KeydirLoader
  /** The index is loaded, and blob files without a record are gone. */
  readonly loaded: Promise<void>
}

/** Throws what the log and the disk say; nothing stays open then. `onProgress` is the log's. */
export async function openIndex(
  options: StoreOptions,
  folder: Folder,
  blobs: BlobFiles,
  onProgress: () => void,
): Promise<OpenedIndex> {
  const {
    fileSystem = nodeFileSystem,
    random = nodeRandom,
    scheduler = nodeScheduler,
    segmentBytes,
    spareBytes,
    onCorrupt = 'refuse',
  } = options
  const hash = options.hash ?? hashKey
  const directory = folder.hintDirectory
  const maker = new HintMaker({ fileSystem, directory, layoutHash: LAYOUT_HASH, hash })
  let log: Log | null = null
  try {
    const windowBytes = windowBytesOf(options)
    log = await Log.open(
      {
        ...{ fileSystem, scheduler, random, windowBytes, onProgress, onCorrupt },
        ...(spareBytes === undefined ? {} : { spareBytes }),
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
    keys.dropped.load(keys, log)
    const cacheBytes = Math.max(0, (options.cacheBytes ?? CACHE_BYTES_DEFAULT) - windowBytes)
    const lookup = new Lookup(log, new Keydir(options.keydirBytes), keys, cacheBytes)
    const loader = new KeydirLoader(keys, lookup, ledger, hash)
    const isSmall = loader.total <= LOAD_AT_OPEN_ENTRIES
    const loaded = load(loader, blobs, isSmall ? () => Promise.resolve() : pause)
    if (isSmall) await loaded
    loaded.catch((error) => options.logger?.warn(`the index is incomplete: ${fromLog(error).message}`))
    return { log, lookup, ledger, keys, highestBallot: maker.highestBallot, loader, loaded }
  } catch (error) {
    await log?.close().catch(() => {})
    maker.close()
    throw error
  }
}

/** Ends what is under way on an index that is given up, and lets its files go. */
export async function closeIndex({ log, keys, loader, loaded }: OpenedIndex): Promise<void> {
  loader.stop()
  await loaded.catch(() => {})
  await log.close().catch(() => {})
  await keys.close(false)
}

/** Loads the index, then removes the blob files that no record names. */
async function load(loader: KeydirLoader, blobs: BlobFiles, pause: () => Promise<void>): Promise<void> {
  await loader.run(pause)
  if (loader.isStopped) return
  const { liveBlobs } = loader
  await blobs.collectOrphans((name) => !liveBlobs.has(name.replace('-', '')), pause)
  liveBlobs.clear()
}
