/**
 * The registry of a lone master: one fact of its own `@minivault/storage`, written when something changes.
 */
import type { Store } from '@minivault/storage'
import { NO_FACTS, type Registry, type RegistryFacts } from './registry.ts'

/** The fact that says whose folder it is, to workers, too. */
const MASTERS_MARK = 'master-registry'
/** As members of a cluster write it, see docs/DATA_FILE.md. */
const MEMBERS_MARK = 'cluster-id'

/** The folder cannot be a master's: one line. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError'
}

export class StoreRegistry implements Registry {
  readonly #store: Store
  #facts: RegistryFacts

  /** Throws RegistryError: the folder holds a worker's data. */
  constructor(store: Store, directory: string) {
    this.#store = store
    const written = store.getMeta(MASTERS_MARK)
    if (written === undefined && (store.stats().keys > 0 || store.getMeta(MEMBERS_MARK) !== undefined)) {
      throw new RegistryError(
        `${directory} is the data folder of a worker: give the master one of its own with -data`,
      )
    }
    this.#facts =
      written === undefined ? NO_FACTS : { ...NO_FACTS, ...JSON.parse(Buffer.from(written).toString()) }
    if (written === undefined) this.write({})
  }

  get facts(): RegistryFacts {
    return this.#facts
  }

  write(change: Partial<RegistryFacts>): void {
    const facts = { ...this.#facts, ...change }
    this.#store.putMeta(MASTERS_MARK, Buffer.from(JSON.stringify(facts)))
    this.#facts = facts
  }
}
