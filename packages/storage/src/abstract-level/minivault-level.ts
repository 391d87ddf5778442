/**
 * A store as an abstract-level database, for all that is built on that interface. Thin: abstract-level checks
 * arguments, encodes, defers until open, makes sublevels and chained batches; here its private methods (those
 * with the underscore) become calls of the simple door. It passes abstract-level's own test suite, with this
 * said in the manifest: no explicit snapshots (a get as of an earlier moment), no createIfMissing and
 * errorIfExists (a missing folder is always made).
 */

import { type AbstractDatabaseOptions, type AbstractIteratorOptions, AbstractLevel } from 'abstract-level'
import { CLEAR_ENTRIES } from '../limits.ts'
import type { Scan } from '../scan/scan.ts'
import type { ScanOptions } from '../scan/scan-range.ts'
import { Store } from '../store.ts'
import type { StoreOptions } from '../store-options.ts'
import { LevelIterator } from './level-iterator.ts'
import { asBuffer, type LevelRange, scanOf, toStore } from './level-keys.ts'

export type LevelScan = Pick<Scan, 'next' | 'nextPage' | 'seek' | 'close'>

type Method = 'get' | 'getSync' | 'getMany' | 'has' | 'set' | 'delete' | 'batch' | 'close'

/** What a level needs of a store. */
export interface LevelStore extends Pick<Store, Method> {
  scan(options: ScanOptions): LevelScan
}

export interface MinivaultLevelOptions<K, V> extends AbstractDatabaseOptions<K, V> {
  /** For a store the level opens itself. */
  storeOptions?: Omit<StoreOptions, 'directory'>
}

type Operation = { type: 'put'; key: Buffer; value: Buffer } | { type: 'del'; key: Buffer }

/** `snapshot()` is not offered; the rest is as it is by default, or not there. */
const MANIFEST = { encodings: { buffer: true }, has: true, getSync: true }

export class MinivaultLevel<K = string, V = string> extends AbstractLevel<Buffer, K, V> {
  readonly #openStore: () => Promise<LevelStore>
  readonly #closeStore: (store: LevelStore) => Promise<void>
  #store: LevelStore | null = null

  /**
   * Over a folder, whose store is opened and closed with the level; or over an open store, which stays its
   * owner's to close.
   */
  constructor(where: string | LevelStore, options: MinivaultLevelOptions<K, V> = {}) {
    const { storeOptions, ...forward } = options
    super(MANIFEST, forward)
    if (typeof where === 'string') {
      this.#openStore = () => Store.open({ ...storeOptions, directory: where })
      this.#closeStore = (store) => store.close()
    } else {
      this.#openStore = async () => where
      this.#closeStore = async () => {}
    }
  }

  async _open(): Promise<void> {
    this.#store = await this.#openStore()
  }

  async _close(): Promise<void> {
    const store = this.#opened
    await this.#closeStore(store)
    this.#store = null
  }

  async _get(key: Buffer): Promise<Buffer | undefined> {
    const value = await this.#opened.get(toStore(key))
    return value && asBuffer(value)
  }

  _getSync(key: Buffer): Buffer | undefined {
    const value = this.#opened.getSync(toStore(key))
    return value && asBuffer(value)
  }

  async _getMany(keys: Buffer[]): Promise<(Buffer | undefined)[]> {
    const values = await this.#opened.getMany(keys.map(toStore))
    return values.map((value) => value && asBuffer(value))
  }

  async _has(key: Buffer): Promise<boolean> {
    return this.#opened.has(toStore(key))
  }

  async _hasMany(keys: Buffer[]): Promise<boolean[]> {
    return Promise.all(keys.map((key) => this.#opened.has(toStore(key))))
  }

  async _put(key: Buffer, value: Buffer): Promise<void> {
    await this.#opened.set(toStore(key), value)
  }

  async _del(key: Buffer): Promise<void> {
    await this.#opened.delete(toStore(key))
  }

  async _batch(operations: readonly Operation[]): Promise<void> {
    await this.#opened.batch(
      operations.map((operation) =>
        operation.type === 'put'
          ? { type: 'set', key: toStore(operation.key), value: operation.value }
          : { type: 'delete', key: toStore(operation.key) },
      ),
    )
  }

  async _clear(options: LevelRange & { limit: number }): Promise<void> {
    const store = this.#opened
    const scan = store.scan({ ...scanOf(options, true), ...limitOf(options.limit) })
    try {
      for (;;) {
        const page = await scan.nextPage(CLEAR_ENTRIES)
        if (page.length === 0) return
        await Promise.all(page.map(({ key }) => store.delete(key)))
      }
    } finally {
      scan.close()
    }
  }

  _iterator(options: AbstractIteratorOptions<K, V> & LevelRange): LevelIterator<K, V> {
    const scan = this.#opened.scan(scanOf(options, options.values === false))
    return new LevelIterator(this, options, scan)
  }

  get #opened(): LevelStore {
    if (this.#store === null) throw new TypeError('abstract-level called a private method of a closed level')
    return this.#store
  }
}

/** -1 is abstract-level's "none". */
function limitOf(limit: number): { limit?: number } {
  return limit === -1 ? {} : { limit }
}
