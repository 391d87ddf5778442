/*
 * Values as JSON or as text: the same keys and calls, bytes underneath.
 */

import { ClientError } from './client-error.ts'
import type { KeyValueClient } from './key-value-client.ts'
import type { CreateOptions, ReadOptions, SetOptions, SetResult, UpdateOptions } from './options.ts'
import { readMany } from './read-many.ts'
import type { Reply } from './request.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

type Change<V> = (value: V | undefined) => Promise<V | undefined> | V | undefined

interface JsonSource {
  get(key: string | Uint8Array, options: ReadOptions): Promise<Reply>
  set(key: string | Uint8Array, value: Uint8Array, options: SetOptions): Promise<SetResult>
  update(
    key: string | Uint8Array,
    options: UpdateOptions,
    change: (current: Reply) => Promise<Uint8Array | undefined>,
  ): Promise<SetResult | undefined>
}

/** `client.json<T>()` */
export class JsonView<T> {
  readonly #source: JsonSource

  constructor(source: JsonSource) {
    this.#source = source
  }

  /** undefined when there is no value; a stored null is null. CLIENT_PROTOCOL when the value is not JSON. */
  async get(key: string | Uint8Array, options: ReadOptions = {}): Promise<T | undefined> {
    return parsed(await this.#source.get(key, options)) as T | undefined
  }

  /** As `Client.getMany`. */
  async getMany(keys: Iterable<string | Uint8Array>, options: ReadOptions = {}): Promise<(T | undefined)[]> {
    return readMany(keys, (key) => this.get(key, options))
  }

  /** CLIENT_BAD_ARGUMENT when the value has no JSON form. */
  async set(key: string | Uint8Array, value: T, options: SetOptions = {}): Promise<SetResult> {
    return this.#source.set(key, encodeJson(value), options)
  }

  /** `set` with `ifAbsent`. */
  async create(key: string | Uint8Array, value: T, options: CreateOptions = {}): Promise<SetResult> {
    return this.set(key, value, { ...options, ifAbsent: true })
  }

  /** As `Client.update`; the value is a JSON one afterwards. */
  async update(
    key: string | Uint8Array,
    change: Change<T>,
    options: UpdateOptions = {},
  ): Promise<SetResult | undefined> {
    return this.#source.update(key, options, async (current) => {
      const value = await change(parsed(current) as T | undefined)
      return value === undefined ? undefined : encodeJson(value)
    })
  }
}

/** `client.text()` */
export class TextView {
  readonly #client: KeyValueClient

  constructor(client: KeyValueClient) {
    this.#client = client
  }

  /** undefined when there is no value; CLIENT_PROTOCOL when it is not UTF-8. */
  async get(key: string | Uint8Array, options: ReadOptions = {}): Promise<string | undefined> {
    return decoded(await this.#client.get(key, options))
  }

  /** As `Client.getMany`. */
  async getMany(
    keys: Iterable<string | Uint8Array>,
    options: ReadOptions = {},
  ): Promise<(string | undefined)[]> {
    return readMany(keys, (key) => this.get(key, options))
  }

  set(key: string | Uint8Array, value: string, options: SetOptions = {}): Promise<SetResult> {
    return this.#client.set(key, value, options)
  }

  /** `set` with `ifAbsent`. */
  create(key: string | Uint8Array, value: string, options: CreateOptions = {}): Promise<SetResult> {
    return this.#client.create(key, value, options)
  }

  /** As `Client.update`. */
  update(
    key: string | Uint8Array,
    change: Change<string>,
    options: UpdateOptions = {},
  ): Promise<SetResult | undefined> {
    return this.#client.update(key, (value) => change(decoded(value)), options)
  }
}

function encodeJson(value: unknown): Uint8Array {
  const text: string | undefined = JSON.stringify(value)
  if (text === undefined) throw new ClientError('CLIENT_BAD_ARGUMENT', 'the value has no JSON form')
  return encoder.encode(text)
}

function parsed(reply: Reply): unknown {
  if (!reply.exists) return undefined
  try {
    return JSON.parse(decoder.decode(reply.value))
  } catch (cause) {
    throw new ClientError('CLIENT_PROTOCOL', 'the stored value is not JSON', { cause })
  }
}

function decoded(value: Uint8Array | undefined): string | undefined {
  if (value === undefined) return undefined
  try {
    return decoder.decode(value)
  } catch (cause) {
    throw new ClientError('CLIENT_PROTOCOL', 'the stored value is not UTF-8', { cause })
  }
}
