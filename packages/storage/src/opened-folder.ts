/**
 * From a path to a folder that is ours: locked, of our layout, its log open and indexed. What fails on the
 * way is undone: no descriptor stays open, no lock stays held.
 */

import { type FileSystem, nodeFileSystem, nodeRandom } from '@minivault/wal'
import { BlobFiles } from './blob/blob-files.ts'
import { ensureFolder, folderAt, folderError, readOrCreateFormat } from './folder.ts'
import { FolderLock } from './folder-lock.ts'
import { nodeProcesses } from './node-ports.ts'
import { closeIndex, type OpenedIndex, openIndex } from './opened-index.ts'
import { fromLog, type StorageError } from './storage-error.ts'
import { checkOptions, type StoreOptions } from './store-options.ts'

export interface OpenedFolder extends OpenedIndex {
  readonly blobs: BlobFiles
  readonly lock: FolderLock | null
  readonly nodeId: string
  /** Drawn for this open. */
  readonly writerId: number
  /** Reads the log anew, beside the one that is open. Throws what an open throws. */
  reopen(): Promise<OpenedIndex>
  /** Lets everything go after a failure, and says it in this package's words. */
  abandon(error: unknown): Promise<StorageError>
}

/** Throws what `Store.open` throws. `onProgress` is the log's. */
export async function openFolder(options: StoreOptions, onProgress: () => void): Promise<OpenedFolder> {
  checkOptions(options)
  const { fileSystem = nodeFileSystem, random = nodeRandom } = options
  const folder = folderAt(options.directory)
  let lock: FolderLock | null = null
  let index: OpenedIndex | null = null
  const abandon = async (error: unknown) => {
    if (index !== null) await closeIndex(index)
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
    const writerId = new DataView(random(4).slice().buffer).getUint32(0, true)
    const blobs = new BlobFiles(fileSystem, folder.blobDirectory, writerId)
    index = await openIndex(options, folder, blobs, onProgress)
    const reopen = () => openIndex(options, folder, blobs, onProgress)
    return { ...index, blobs, lock, nodeId, writerId, reopen, abandon }
  } catch (error) {
    throw await abandon(error)
  }
}

/** The lock asks this machine's processes; another file system than the real one has none. */
function processesOf(options: StoreOptions, fileSystem: FileSystem) {
  if (options.processes !== undefined) return options.processes
  return fileSystem === nodeFileSystem ? nodeProcesses : null
}
