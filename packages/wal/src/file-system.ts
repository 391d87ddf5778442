/**
 * The port to a disk: what the log (and the store above it) needs of a file system, on integer descriptors.
 * Calls are synchronous where they only touch the page cache, and have a callback form where they may wait
 * for the device.
 *
 * Errors are thrown or handed over as Node's: an Error with `code` ('ENOENT', 'EEXIST', 'ENOSPC', …).
 * `nodeFileSystem` is the real one; './testing' has a disk that crashes.
 */
import { TRANSIENT_COUNT_MAX } from './limits.ts'

/** read: existing, read only. write: existing, read and write. create: must not exist, read and write. */
export type OpenMode = 'read' | 'write' | 'create'

export type Done = (error: Error | null) => void
export type DoneCount = (error: Error | null, count: number) => void

export interface FileSystem {
  open(path: string, mode: OpenMode): number
  close(descriptor: number): void
  /** Length of the file in bytes. */
  size(descriptor: number): number
  /** Up to `length` bytes at `position` into `bytes[at…]`; returns how many, 0 at the end of the file. */
  readSync(descriptor: number, bytes: Uint8Array, at: number, length: number, position: number): number
  read(
    descriptor: number,
    bytes: Uint8Array,
    at: number,
    length: number,
    position: number,
    done: DoneCount,
  ): void
  /** May write fewer bytes than asked; returns how many. */
  writeSync(descriptor: number, bytes: Uint8Array, at: number, length: number, position: number): number
  write(
    descriptor: number,
    bytes: Uint8Array,
    at: number,
    length: number,
    position: number,
    done: DoneCount,
  ): void
  /** Cuts, or extends with a hole. */
  truncate(descriptor: number, length: number): void
  /** fdatasync: contents, and what is needed to find them. */
  datasyncSync(descriptor: number): void
  datasync(descriptor: number, done: Done): void
  /** fsync. */
  syncSync(descriptor: number): void
  sync(descriptor: number, done: Done): void
  /** Makes created, renamed and removed names of this folder durable. */
  syncDirectorySync(path: string): void
  syncDirectory(path: string, done: Done): void
  rename(from: string, to: string): void
  /** A second name for the same file. */
  link(existing: string, added: string): void
  remove(path: string): void
  /** The same beside the event loop: to free a file of 100 MB takes tens of milliseconds. */
  unlink(path: string, done: Done): void
  /** Names in the folder, in any order. */
  list(path: string): string[]
  exists(path: string): boolean
  /** Creates the folder and those above it; returns whether anything was created. */
  makeDirectory(path: string): boolean
  /** A small file, whole. */
  readFile(path: string): Uint8Array
}

/** Whether the call may be made again: a signal came between, or it would have had to wait. */
export function isTransient(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return code === 'EINTR' || code === 'EAGAIN'
}

/** Makes the call again, a bounded number of times, while it fails for a reason that passes. */
function insist<T>(call: () => T): T {
  for (let tries = 1; ; tries++) {
    try {
      return call()
    } catch (error) {
      if (!isTransient(error) || tries === TRANSIENT_COUNT_MAX) throw error
    }
  }
}

/** Writes all of bytes[at, at+length), going on after a short write or an interrupted one. */
export function writeAll(
  fileSystem: FileSystem,
  descriptor: number,
  bytes: Uint8Array,
  at: number,
  length: number,
  position: number,
): void {
  let written = 0
  const write = (): number =>
    fileSystem.writeSync(descriptor, bytes, at + written, length - written, position + written)
  while (written < length) {
    const more = insist(write)
    if (more <= 0) throw new Error('the file system wrote nothing')
    written += more
  }
}

/**
 * Reads up to `length` bytes into bytes[at…], going on after a short or interrupted read; fewer only where
 * the file ends. No closure: each record that is read from disk comes this way.
 */
export function readAll(
  fileSystem: FileSystem,
  descriptor: number,
  bytes: Uint8Array,
  length: number,
  position: number,
  at = 0,
): number {
  let count = 0
  let tries = 1
  while (count < length) {
    let more: number
    try {
      more = fileSystem.readSync(descriptor, bytes, at + count, length - count, position + count)
    } catch (error) {
      if (!isTransient(error) || tries === TRANSIENT_COUNT_MAX) throw error
      tries += 1
      continue
    }
    if (more <= 0) break
    count += more
    tries = 1
  }
  return count
}

/** The same without waiting. */
export function readAllLater(
  fileSystem: FileSystem,
  descriptor: number,
  bytes: Uint8Array,
  length: number,
  position: number,
  done: DoneCount,
): void {
  let count = 0
  let tries = 0
  const next = (): void => fileSystem.read(descriptor, bytes, count, length - count, position + count, ended)
  const ended = (error: Error | null, more: number): void => {
    if (isTransient(error) && ++tries < TRANSIENT_COUNT_MAX) return next()
    if (error) return done(error, count)
    count += more
    tries = 0
    if (more > 0 && count < length) return next()
    done(null, count)
  }
  next()
}

/** A call that may wait for the device, as a promise. */
export function promised(call: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) => call((error) => (error ? reject(error) : resolve())))
}

/** What a file system answers that has no link for these two places. */
const NO_LINK = new Set(['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])

/** Gives a file a second name. False: there can be no link between these two places. */
export function linkWherePossible(fileSystem: FileSystem, from: string, to: string): boolean {
  try {
    fileSystem.link(from, to)
    return true
  } catch (error) {
    if (NO_LINK.has((error as { code: string }).code)) return false
    throw error
  }
}
