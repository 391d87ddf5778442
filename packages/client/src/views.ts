/*
 * Values as JSON or as text: the same keys and calls, bytes underneath.
 */

import type { CallOptions, Client, SetOptions, SetResult } from './client.ts'
import { ClientError } from './client-error.ts'
import type { Reply } from './request.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

interface JsonSource {
  get(key: string | Uint8Array, options: CallOptions): Promise<Reply>
  set(key: string | Uint8Array, value: Uint8Array, options: SetOptions): Promise<SetResult>
}

/** `client.json<T>()` */
export class JsonView<T> {
  readonly #source: JsonSource

  constructor(source: JsonSource) {
    this.#source = source
  }

  /** undefined when there is no value; a stored null is null. CLIENT_PROTOCOL when the value is not JSON. */
  async get(key: string | Uint8Array, options: CallOptions = {}): Promise<T | undefined> {
    const reply = await this.#source.get(key, options)
    if (!reply.exists) return undefined
    try {
      return JSON.parse(decoder.decode(reply.value)) as T
    } catch (cause) {
      throw new ClientError('CLIENT_PROTOCOL', 'the stored value is not JSON', { cause })
    }
  }

  async set(key: string | Uint8Array, value: T, options: SetOptions = {}): Promise<SetResult> {
    const text: string | undefined = JSON.stringify(value)
    if (text === undefined) throw new ClientError('CLIENT_BAD_ARGUMENT', 'the value has no JSON form')
    return this.#source.set(key, encoder.encode(text), options)
  }
}

/** `client.text()` */
export class TextView {
  readonly #client: Client

  constructor(client: Client) {
    this.#client = client
  }

  /** undefined when there is no value; CLIENT_PROTOCOL when it is not UTF-8. */
  async get(key: string | Uint8Array, options: CallOptions = {}): Promise<string | undefined> {
    const value = await this.#client.get(key, options)
    if (value === undefined) return undefined
    try {
      return decoder.decode(value)
    } catch (cause) {
      throw new ClientError('CLIENT_PROTOCOL', 'the stored value is not UTF-8', { cause })
    }
  }

  set(key: string | Uint8Array, value: string, options: SetOptions = {}): Promise<SetResult> {
    return this.#client.set(key, value, options)
  }
}
