/**
 * The data folder: is it one of ours, of this layout, and may we write to it? `FORMAT` answers, a text file
 * written once:
 *
 *     minivault data folder
 *     format 1
 *     layout 35312722
 *     node 5f0c…            32 hex digits, drawn once a folder: tells an empty disk from the one before
 *
 * A folder without it must be empty (but for lock files, dot files and lost+found): the store never moves in
 * with files of others. Version 1 is frozen: every later program opens it (test/golden). A folder of any
 * other version or layout is refused in one line. Of a newer one only the first two lines are known; what
 * follows them may be anything.
 */

import { dirname, join } from 'node:path'
import { type FileSystem, writeAll } from '@minivault/wal'
import { HINT_LAYOUT } from './hint/hint-format.ts'
import { RECORD_LAYOUT } from './record.ts'
import { StorageError } from './storage-error.ts'

export const FORMAT_VERSION = 1
const FORMAT_NAME = 'FORMAT'
const FORMAT_UNFINISHED_NAME = 'FORMAT.new'
/** What a folder that is not ours yet may hold. `cluster`: there a cluster on one machine has its folders. */
const OWN_BEFORE_FORMAT = /^(LOCK.*|FORMAT\.new|lost\+found|cluster|\..*)$/
const HEAD = /^minivault data folder\nformat (\d+)\n/
const REST = /^layout ([0-9a-f]{8})\nnode ([0-9a-f]{32})\n$/

/** 32 bits over the text that describes the layout (FNV-1a). */
export const LAYOUT_HASH: number = fnv1a(`format ${FORMAT_VERSION} | ${RECORD_LAYOUT} | ${HINT_LAYOUT}`)

export interface Folder {
  readonly directory: string
  readonly logDirectory: string
  readonly blobDirectory: string
  readonly hintDirectory: string
}

export function folderAt(directory: string): Folder {
  return {
    directory,
    logDirectory: join(directory, 'log'),
    blobDirectory: join(directory, 'blobs'),
    hintDirectory: join(directory, 'hints'),
  }
}

/** Makes sure that the folder is there and can be written to. Throws STORAGE_FOLDER. */
export function ensureFolder(fileSystem: FileSystem, directory: string): void {
  try {
    if (fileSystem.makeDirectory(directory)) fileSystem.syncDirectorySync(dirname(directory))
    fileSystem.list(directory)
  } catch (error) {
    throw folderError(directory, error)
  }
}

/** What the system says of a folder that cannot be used, in this package's words; else the error itself. */
export function folderError(directory: string, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException | null)?.code
  const reason =
    code === 'ENOTDIR' || code === 'EEXIST'
      ? 'is not a folder'
      : isWriteRefused(cause)
        ? 'cannot be written to'
        : undefined
  if (reason === undefined) return cause
  const way = 'choose another data folder or change its permissions'
  return new StorageError('STORAGE_FOLDER', `${directory} ${reason}: ${way}`, { path: directory, cause })
}

/** Finds the refusal anywhere down the chain of causes. */
function isWriteRefused(error: unknown): boolean {
  for (let seen = error; seen instanceof Error; seen = seen.cause) {
    const { code } = seen as NodeJS.ErrnoException
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return true
  }
  return false
}

/** Reads the folder's nodeId, or draws and writes it when the folder is empty. The caller holds the lock. */
export function readOrCreateFormat(
  fileSystem: FileSystem,
  directory: string,
  random: (n: number) => Uint8Array,
): string {
  const path = join(directory, FORMAT_NAME)
  if (fileSystem.exists(path)) return checkFormat(path, new TextDecoder().decode(fileSystem.readFile(path)))
  const foreign = fileSystem.list(directory).filter((name) => !OWN_BEFORE_FORMAT.test(name))
  if (foreign.length > 0) {
    throw new StorageError(
      'STORAGE_FOLDER',
      `${directory} is not a minivault data folder and not empty ` +
        `(${foreign.slice(0, 3).join(', ')}): choose an empty one`,
      { path: directory },
    )
  }
  return writeFormat(fileSystem, directory, random)
}

/** Makes the folder ours, durably: the last thing that is done when one is made. Returns its nodeId. */
export function writeFormat(
  fileSystem: FileSystem,
  directory: string,
  random: (n: number) => Uint8Array,
): string {
  const nodeId = Buffer.from(random(16)).toString('hex')
  const text = `minivault data folder\nformat ${FORMAT_VERSION}\nlayout ${hex(LAYOUT_HASH)}\nnode ${nodeId}\n`
  writeDurably(fileSystem, directory, join(directory, FORMAT_NAME), new TextEncoder().encode(text))
  return nodeId
}

function writeDurably(fileSystem: FileSystem, directory: string, path: string, bytes: Uint8Array): void {
  const unfinished = join(directory, FORMAT_UNFINISHED_NAME)
  if (fileSystem.exists(unfinished)) fileSystem.remove(unfinished)
  const descriptor = fileSystem.open(unfinished, 'create')
  try {
    writeAll(fileSystem, descriptor, bytes, 0, bytes.length, 0)
    fileSystem.syncSync(descriptor)
  } finally {
    fileSystem.close(descriptor)
  }
  fileSystem.rename(unfinished, path)
  fileSystem.syncDirectorySync(directory)
}

function checkFormat(path: string, text: string): string {
  const refuse = (message: string): never => {
    throw new StorageError('STORAGE_FORMAT', `${path} ${message}`, { path })
  }
  const head = HEAD.exec(text)
  if (head === null) return refuse('is damaged or not ours: restore it or choose another folder')
  const version = Number(head[1])
  if (version !== FORMAT_VERSION) return refuse(otherVersion(version))
  const rest = REST.exec(text.slice(head[0].length))
  if (rest === null) return refuse('is damaged: restore it or choose another folder')
  if (rest[1] !== hex(LAYOUT_HASH)) {
    return refuse(
      `says format ${version} layout ${rest[1]}, this program reads format ${FORMAT_VERSION} layout ` +
        `${hex(LAYOUT_HASH)}: use the program version that wrote it, or another data folder`,
    )
  }
  return rest[2]!
}

/** One line: both versions, and the way out. */
function otherVersion(version: number): string {
  const says = `says format ${version}, this program reads format ${FORMAT_VERSION}`
  const why =
    version > FORMAT_VERSION
      ? 'a newer minivault wrote it; start that version or a later one'
      : 'it was written before the first release; copy its keys over with the program that wrote it'
  return `${says}: ${why}, or use another data folder`
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0')
}
