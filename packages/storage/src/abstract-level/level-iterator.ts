/**
 * A level's iterator: a scan of the store, which is the snapshot. The limit is abstract-level's business, so
 * the scan has none; and whatever happens, `close` is called.
 */

import { AbstractIterator, type AbstractIteratorOptions } from 'abstract-level'
import type { ScanEntry } from '../scan/scan-source.ts'
import { asBuffer, fromStore, toStore } from './level-keys.ts'
import type { LevelScan, MinivaultLevel } from './minivault-level.ts'

/** As it lies in the store; what was not asked for is undefined. */
type LevelEntry = [Buffer | undefined, Buffer | undefined]

export class LevelIterator<K, V> extends AbstractIterator<MinivaultLevel<K, V>, K, V> {
  readonly #scan: LevelScan
  readonly #keys: boolean
  readonly #values: boolean

  constructor(db: MinivaultLevel<K, V>, options: AbstractIteratorOptions<K, V>, scan: LevelScan) {
    super(db, options)
    this.#scan = scan
    this.#keys = options.keys !== false
    this.#values = options.values !== false
  }

  async _next(): Promise<LevelEntry | undefined> {
    const step = await this.#scan.next()
    return step.done ? undefined : this.#entry(step.value)
  }

  async _nextv(size: number): Promise<LevelEntry[]> {
    return (await this.#scan.nextPage(size)).map((entry) => this.#entry(entry))
  }

  _seek(target: Buffer): void {
    this.#scan.seek(toStore(target))
  }

  async _close(): Promise<void> {
    this.#scan.close()
  }

  #entry({ key, value }: ScanEntry): LevelEntry {
    return [this.#keys ? fromStore(key) : undefined, this.#values ? asBuffer(value) : undefined]
  }
}
