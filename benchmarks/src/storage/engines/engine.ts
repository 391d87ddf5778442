/**
 * What every store under measurement looks like to the measures: bytes in, bytes out, each in its own natural
 * way. What an engine cannot do it leaves out, and the rows that need it leave the engine out.
 *
 * `Key` is the form the store likes best; it is made before the clock starts.
 */
export const DURABILITIES = ['memory', 'os', 'fsync'] as const
export type Durability = (typeof DURABILITIES)[number]

export const ENGINE_NAMES = ['minivault', 'lmdb', 'classic-level', 'better-sqlite3', 'Map', 'pread'] as const
export type EngineName = (typeof ENGINE_NAMES)[number]

export interface EngineSetting {
  readonly directory: string
  readonly durability: Durability
  /** The store's own memory for values; lmdb has none, it reads from the page cache. */
  readonly cacheBytes: number
  /** Length of every value; only a flat file needs to know. */
  readonly valueBytes: number
  /** False: dead records stay until `compact`. Default true; only minivault heeds it. */
  readonly mergesByItself?: boolean
}

export interface Engine<Key = unknown> {
  key(bytes: Buffer): Key
  /** Undefined: done at its durability when the call returns. */
  set(key: Key, value: Buffer): Promise<unknown> | undefined
  /** Resolves when write(2) has returned for all that was set before. */
  flush(): Promise<unknown> | undefined
  /** Sets many keys in the quickest way there is. */
  load(keys: readonly Key[], values: readonly Buffer[]): Promise<unknown> | undefined
  /** The value, valid until the next call. */
  view?(key: Key): Uint8Array | undefined
  /** The value, the caller's own. */
  copy?(key: Key): Uint8Array | undefined
  /** The same without blocking the event loop. */
  get?(key: Key): Promise<Uint8Array | undefined>
  /** All or nothing. */
  batch?(keys: readonly Key[], values: readonly Buffer[]): Promise<unknown> | undefined
  /** The sum of `digestOf` over the next `count` entries from `from` on, in order. */
  scan?(from: Key, count: number): Promise<number> | number
  /** Gives back what dead records take; returns the file or folder whose size then counts. */
  compact?(): Promise<string>
  /** Memory of the table of keys, and of all else that finds them, where the store can tell. */
  indexBytes?(): { readonly table: number; readonly rest: number }
  /** Resolves when everything an open does later has been done, where there is such a thing. */
  loaded?(): Promise<unknown>
  close(): Promise<void>
}

export type OpenEngine = (setting: EngineSetting) => Promise<Engine>

/** Touches the value, so that nobody can leave it out, for next to nothing. */
export function digestOf(value: Uint8Array): number {
  return value[0]! + value.length
}
