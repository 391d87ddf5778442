/**
 * One process per data folder, without help of the operating system (Node has no flock) and safe after kill
 * -9.
 *
 * Holding is having created the highest `LOCK.<n>`. The file appears with its content or not at all (written
 * under another name, then hard-linked). The highest is never removed, not even at release, which only
 * rewrites its `state`: so the number never goes back, of two openers that want n+1 the link lets one
 * through, and one that slept since it read an old n finds after its link that a higher number exists, and
 * has lost.
 *
 * A holder is gone when its pid is not alive, or is alive with another start time (the pid was given away).
 * Another host's process cannot be looked at, so that lock is respected and the message says what to do.
 */

import { join } from 'node:path'
import { type FileSystem, writeAll } from '@minivault/wal'
import { LOCK_TRIES_MAX } from './limits.ts'
import type { ProcessTable } from './node-ports.ts'
import { StorageError } from './storage-error.ts'

const NAME = /^LOCK\.(\d{1,15})$/

interface Holder {
  pid: number
  start: string
  host: string
  state: string
}

export class FolderLock {
  readonly #fileSystem: FileSystem
  readonly #directory: string
  readonly #content: (state: string) => Uint8Array
  readonly #temporary: string
  readonly #number: number

  private constructor(
    fileSystem: FileSystem,
    directory: string,
    number: number,
    temporary: string,
    self: Holder,
  ) {
    this.#fileSystem = fileSystem
    this.#directory = directory
    this.#number = number
    this.#temporary = temporary
    this.#content = (state) => encode({ ...self, state })
  }

  /** Takes the folder or throws STORAGE_LOCKED. `nonce` makes the temporary name this opener's own. */
  static acquire(
    fileSystem: FileSystem,
    directory: string,
    processes: ProcessTable,
    nonce: string,
  ): FolderLock {
    const { pid, host } = processes
    const self: Holder = { pid, start: processes.startOf(pid), host, state: 'held' }
    const temporary = join(directory, `LOCK-${pid}-${nonce}`)
    writeWhole(fileSystem, temporary, encode(self))
    try {
      for (let i = 0; i < LOCK_TRIES_MAX; i++) {
        const highest = highestOf(fileSystem, directory)
        if (highest > 0) refuseIfHeld(fileSystem, directory, highest, processes)
        const number = highest + 1
        if (!linkNew(fileSystem, temporary, nameOf(directory, number))) continue
        if (highestOf(fileSystem, directory) !== number) {
          removeQuietly(fileSystem, nameOf(directory, number))
          continue
        }
        for (const old of numbersOf(fileSystem, directory)) {
          if (old < number) removeQuietly(fileSystem, nameOf(directory, old))
        }
        return new FolderLock(fileSystem, directory, number, temporary, self)
      }
    } finally {
      removeQuietly(fileSystem, temporary)
    }
    throw new StorageError('STORAGE_LOCKED', `${directory}: too many processes want this folder at once`, {
      path: directory,
    })
  }

  release(): void {
    writeWhole(this.#fileSystem, this.#temporary, this.#content('released'))
    this.#fileSystem.rename(this.#temporary, nameOf(this.#directory, this.#number))
  }
}

function refuseIfHeld(
  fileSystem: FileSystem,
  directory: string,
  number: number,
  processes: ProcessTable,
): void {
  const path = nameOf(directory, number)
  const holder = read(fileSystem, path)
  // Gone meanwhile (a higher one came), or no lock file of ours: the next look, or the link, decides.
  if (holder === null || holder.state === 'released') return
  // A lock comes with its content or not at all: only a power cut, and with it its holder's end, takes that
  // away.
  if (holder.state !== 'held') return
  if (holder.host !== processes.host) {
    throw new StorageError(
      'STORAGE_LOCKED',
      `${directory} is in use by process ${holder.pid} on host ${holder.host}; stop it, or if that host or ` +
        `container is gone, remove ${path}`,
      { path },
    )
  }
  if (!processes.isAlive(holder.pid)) return
  const start = processes.startOf(holder.pid)
  if (start !== '' && holder.start !== '' && start !== holder.start) return
  const who = holder.pid === processes.pid ? 'this process' : `process ${holder.pid}`
  throw new StorageError(
    'STORAGE_LOCKED',
    `${directory} is in use by ${who}; stop it or choose another folder (one folder, one process)`,
    { path },
  )
}

function nameOf(directory: string, number: number): string {
  return join(directory, `LOCK.${number}`)
}

function numbersOf(fileSystem: FileSystem, directory: string): number[] {
  const numbers: number[] = []
  for (const name of fileSystem.list(directory)) {
    const match = NAME.exec(name)
    if (match !== null) numbers.push(Number(match[1]))
  }
  return numbers
}

function highestOf(fileSystem: FileSystem, directory: string): number {
  return Math.max(0, ...numbersOf(fileSystem, directory))
}

function linkNew(fileSystem: FileSystem, existing: string, added: string): boolean {
  try {
    fileSystem.link(existing, added)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function encode(holder: Holder): Uint8Array {
  const { pid, start, host, state } = holder
  return new TextEncoder().encode(`pid ${pid}\nstart ${start}\nhost ${host}\nstate ${state}\n`)
}

function read(fileSystem: FileSystem, path: string): Holder | null {
  let text: string
  try {
    text = new TextDecoder().decode(fileSystem.readFile(path))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  const field = (name: string) => new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1] ?? ''
  return { pid: Number(field('pid')), start: field('start'), host: field('host'), state: field('state') }
}

function writeWhole(fileSystem: FileSystem, path: string, bytes: Uint8Array): void {
  const descriptor = fileSystem.open(path, 'create')
  try {
    writeAll(fileSystem, descriptor, bytes, 0, bytes.length, 0)
    fileSystem.syncSync(descriptor)
  } finally {
    fileSystem.close(descriptor)
  }
}

function removeQuietly(fileSystem: FileSystem, path: string): void {
  try {
    fileSystem.remove(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
