/**
 * A disk in memory that counts its calls, can crash before or after any of them, can fail any of them, and
 * after a crash shows what a real one might: see memory-disk.ts. Paths are absolute, folders are durable once
 * made.
 *
 * After the crash every call fails with ECRASHED and no callback ever comes, until `restart(seed)` brings the
 * machine back.
 */
import type { Done, DoneCount, FileSystem, OpenMode } from '../file-system.ts'
import { MemoryFile, MemoryNames, parent, seededRandom } from './memory-disk.ts'

export interface MemoryFault {
  /** Number of the call, from 1. */
  call: number
  /**
   * What happens there; a code such as 'EIO' or 'ENOSPC' fails the call without effect. 'lost-sync': a sync
   * fails with EIO, and the kernel takes for clean what it could not write: later syncs succeed without it.
   */
  what: 'crash-before' | 'crash-after' | 'lost-sync' | 'EIO' | 'ENOSPC'
}

interface Opened {
  file: MemoryFile
  path: string
}

export class MemoryFileSystem implements FileSystem {
  calls = 0
  /** `name path` of every call. */
  readonly history: string[] = []
  /** How often each call was made. */
  readonly counts = new Map<string, number>()
  fault: MemoryFault | null = null
  crashed = false
  readonly #names = new MemoryNames()
  readonly #folders = new Set<string>(['/'])
  readonly #open = new Map<number, Opened>()
  #next = 100
  #failing: { pattern: RegExp; code: 'EIO' | 'ENOSPC' } | null = null

  /**
   * Power is back: what survived is chosen by the seed. No seed: the machine stayed up, only the process
   * died.
   */
  restart(seed?: number): void {
    if (seed !== undefined) this.#names.survive(seededRandom(seed))
    this.#open.clear()
    this.crashed = false
    this.fault = null
    this.#failing = null
  }

  /**
   * The disk in another machine, after a power cut here: this one stays down, so that what ran on it cannot
   * touch the files any more.
   */
  moved(seed: number): MemoryFileSystem {
    const next = new MemoryFileSystem()
    this.#names.survive(seededRandom(seed))
    for (const folder of this.#folders) next.#folders.add(folder)
    for (const [path, file] of this.#names.now) next.plant(path, file.bytes)
    this.crashed = true
    return next
  }

  /** The content of a file, to look at or to damage; undefined when there is none. */
  peek(path: string): Uint8Array | undefined {
    return this.#names.now.get(path)?.bytes
  }

  /** Other content for a file that is there, also for those who have it open. Durable, without a call. */
  replace(path: string, bytes: Uint8Array): void {
    const file = this.#names.now.get(path)
    if (!file) throw failure('ENOENT', path)
    file.bytes = new Uint8Array(bytes)
    file.sync()
  }

  /** The next call whose `name path` matches fails with this code. */
  failNext(pattern: RegExp, code: 'EIO' | 'ENOSPC'): void {
    this.#failing = { pattern, code }
  }

  /** Puts a file there, durable, without a call. */
  plant(path: string, bytes: Uint8Array): void {
    const file = new MemoryFile()
    file.bytes = new Uint8Array(bytes)
    file.sync()
    this.#addFolders(parent(path))
    this.#names.now.set(path, file)
  }

  /** All files, for a copy of the disk. */
  files(): Map<string, Uint8Array> {
    return new Map([...this.#names.now].map(([path, file]) => [path, file.bytes.slice()]))
  }

  openCount(): number {
    return this.#open.size
  }

  open(path: string, mode: OpenMode): number {
    return this.#call('open', path, () => {
      let file = this.#names.now.get(path)
      if (mode === 'create') {
        if (file) throw failure('EEXIST', path)
        if (!this.#folders.has(parent(path))) throw failure('ENOENT', path)
        file = new MemoryFile()
        this.#names.set(path, file)
      }
      if (!file) throw failure('ENOENT', path)
      this.#open.set(++this.#next, { file, path })
      return this.#next
    })
  }

  /** As Linux does, it lets go of the descriptor even where it fails. */
  close(descriptor: number): void {
    const { path } = this.#of(descriptor)
    this.#open.delete(descriptor)
    this.#call('close', path, () => {})
  }

  size(descriptor: number): number {
    return this.#of(descriptor).file.bytes.length
  }

  readSync(descriptor: number, bytes: Uint8Array, at: number, length: number, position: number): number {
    const { file, path } = this.#of(descriptor)
    return this.#call('read', path, () => {
      const piece = file.bytes.subarray(position, position + length)
      bytes.set(piece, at)
      return piece.length
    })
  }

  read(d: number, bytes: Uint8Array, at: number, length: number, position: number, done: DoneCount): void {
    this.#later(() => this.readSync(d, bytes, at, length, position), done)
  }

  writeSync(descriptor: number, bytes: Uint8Array, at: number, length: number, position: number): number {
    const { file, path } = this.#of(descriptor)
    return this.#call('write', path, () => {
      // Not `slice`: that of a Buffer does not copy.
      file.write(position, new Uint8Array(bytes.subarray(at, at + length)))
      return length
    })
  }

  write(d: number, bytes: Uint8Array, at: number, length: number, position: number, done: DoneCount): void {
    this.#later(() => this.writeSync(d, bytes, at, length, position), done)
  }

  truncate(descriptor: number, length: number): void {
    const { file, path } = this.#of(descriptor)
    this.#call('truncate', path, () => file.truncate(length))
  }

  datasyncSync(descriptor: number): void {
    const { file, path } = this.#of(descriptor)
    this.#call('datasync', path, () => this.#syncFile(file, path))
  }

  datasync(descriptor: number, done: Done): void {
    this.#later(() => this.datasyncSync(descriptor), done)
  }

  syncSync(descriptor: number): void {
    const { file, path } = this.#of(descriptor)
    this.#call('sync', path, () => this.#syncFile(file, path))
  }

  sync(descriptor: number, done: Done): void {
    this.#later(() => this.syncSync(descriptor), done)
  }

  syncDirectorySync(path: string): void {
    this.#call('syncDirectory', path, () => this.#names.sync(path))
  }

  syncDirectory(path: string, done: Done): void {
    this.#later(() => this.syncDirectorySync(path), done)
  }

  rename(from: string, to: string): void {
    this.#call('rename', from, () => {
      const file = this.#names.now.get(from)
      if (!file) throw failure('ENOENT', from)
      this.#names.set(to, file)
      this.#names.set(from, null)
    })
  }

  link(existing: string, added: string): void {
    this.#call('link', existing, () => {
      const file = this.#names.now.get(existing)
      if (!file) throw failure('ENOENT', existing)
      if (this.#names.now.has(added)) throw failure('EEXIST', added)
      this.#names.set(added, file)
    })
  }

  remove(path: string): void {
    this.#call('remove', path, () => {
      if (!this.#names.now.has(path)) throw failure('ENOENT', path)
      this.#names.set(path, null)
    })
  }

  unlink(path: string, done: Done): void {
    this.#later(() => this.remove(path), done)
  }

  list(path: string): string[] {
    return this.#call('list', path, () => {
      if (!this.#folders.has(path)) throw failure('ENOENT', path)
      const inside = [...this.#names.now.keys(), ...this.#folders].filter((name) => name !== path)
      return inside
        .filter((name) => parent(name) === path)
        .map((name) => name.slice(name.lastIndexOf('/') + 1))
    })
  }

  exists(path: string): boolean {
    return this.#names.now.has(path) || this.#folders.has(path)
  }

  makeDirectory(path: string): boolean {
    return this.#call('makeDirectory', path, () => {
      const before = this.#folders.size
      this.#addFolders(path)
      return this.#folders.size > before
    })
  }

  readFile(path: string): Uint8Array {
    return this.#call('readFile', path, () => {
      const file = this.#names.now.get(path)
      if (!file) throw failure('ENOENT', path)
      return file.bytes.slice()
    })
  }

  #addFolders(path: string): void {
    for (let folder = path; folder !== '/'; folder = parent(folder)) this.#folders.add(folder)
  }

  #syncFile(file: MemoryFile, path: string): void {
    if (this.fault?.call !== this.calls || this.fault.what !== 'lost-sync') return file.sync()
    file.loseSync()
    throw failure('EIO', path)
  }

  #of(descriptor: number): Opened {
    if (this.crashed) throw failure('ECRASHED', 'the machine')
    const opened = this.#open.get(descriptor)
    if (!opened) throw failure('EBADF', String(descriptor))
    return opened
  }

  #call<T>(name: string, path: string, run: () => T): T {
    if (this.crashed) throw failure('ECRASHED', path)
    this.calls++
    this.history.push(`${name} ${path}`)
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
    let what = this.fault?.call === this.calls ? this.fault.what : null
    if (this.#failing?.pattern.test(`${name} ${path}`)) {
      what = this.#failing.code
      this.#failing = null
    }
    if (what === 'crash-before') this.crashed = true
    if (what === 'EIO' || what === 'ENOSPC') throw failure(what, path)
    if (this.crashed) throw failure('ECRASHED', path)
    const result = run()
    if (what !== 'crash-after') return result
    this.crashed = true
    throw failure('ECRASHED', path)
  }

  #later<T>(run: () => T, done: (error: Error | null, result: T) => void): void {
    queueMicrotask(() => {
      if (this.crashed) return
      let error: Error | null = null
      let result: T | undefined
      try {
        result = run()
      } catch (caught) {
        error = caught as Error
      }
      if (!this.crashed) done(error, result as T)
    })
  }
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code })
}
