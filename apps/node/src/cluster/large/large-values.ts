/** All that a member has for large values: its files, the way to those of others, and who asks for them. */
import type { Key } from '@minivault/cluster'
import type { KeyHash } from '@minivault/codec'
import type { TlsFiles } from '@minivault/command-line'
import type { StagedValue, Store, StreamDoor } from '@minivault/storage'
import type { NodeLogger } from '../../node.ts'
import { ValueFetcher } from '../../peers/value-fetcher.ts'
import type { Time } from '../../time.ts'
import { LargeIntake } from './large-intake.ts'
import { ValueFiles } from './value-files.ts'

export interface LargeValuesOptions {
  /** Our own member name. */
  readonly name: string
  readonly store: Store
  readonly authKey: string | null
  readonly tls: TlsFiles | null
  readonly time: Time
  readonly logger: NodeLogger
}

export class LargeValues {
  readonly files: ValueFiles
  readonly streams: StreamDoor
  readonly #options: LargeValuesOptions
  readonly #fetcher: ValueFetcher

  constructor(options: LargeValuesOptions) {
    const { name, store, authKey, tls, time } = options
    this.#options = options
    this.streams = store.streams
    this.files = new ValueFiles(store, time)
    this.#fetcher = new ValueFetcher({ name, authKey, tls, streams: this.streams, time })
  }

  /** A durable file with these bytes, which stay as they are until then. */
  stage(hash: KeyHash, bytes: Uint8Array): Promise<StagedValue> {
    return this.#options.store.engine.large.stage(hash, bytes)
  }

  /** @param look as `LargeIntakeParts` */
  intake(look: (key: Key) => void): LargeIntake {
    const { store, logger } = this.#options
    const fetch = this.#fetcher.fetch.bind(this.#fetcher)
    return new LargeIntake({ store, files: this.files, fetch, look, logger })
  }

  close(): void {
    this.#fetcher.close()
    this.files.close()
  }
}
