/** The ways into a node, with what a soaked application needs of each. What throws may have had an effect. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, ClientError } from '@minivault/client'
import type { Reply } from '../wire/reply-readers.ts'
import { respCommand } from '../wire/text-requests.ts'
import { WireClient } from '../wire/wire-client.ts'

export interface Found {
  readonly value: Uint8Array
  /** Where this way tells it. */
  readonly version: string | undefined
}

export interface Put {
  readonly ttlMs?: number
  readonly ifAbsent?: true
  readonly ifVersion?: string
}

export interface Door {
  readonly name: string
  readonly increments: boolean
  get(key: string): Promise<Found | undefined>
  /** False: its condition does not hold. */
  put(key: string, value: Uint8Array, how: Put): Promise<boolean>
  delete(key: string): Promise<boolean>
  increment(key: string): Promise<number>
  /** In any order. */
  keys(prefix: string): Promise<string[]>
  close(): Promise<void>
}

const REFUSED = new Set<unknown>(['KEY_EXISTS', 'VERSION_MISMATCH'])

/** Whether what has thrown had certainly no effect. */
export function hadNoEffect(error: unknown): boolean {
  return error instanceof ClientError && !error.inDoubt
}

/** The client that is shipped, over frames or HTTP, as its URL says. */
export class ShippedDoor implements Door {
  readonly name: string
  readonly increments: boolean
  readonly #client: Client

  constructor(url: string) {
    this.#client = Client.open(url)
    this.increments = url.startsWith('minivault')
    this.name = this.increments ? 'frames' : 'HTTP'
  }

  get(key: string): Promise<Found | undefined> {
    return this.#client.getEntry(key)
  }

  async put(key: string, value: Uint8Array, how: Put): Promise<boolean> {
    try {
      await this.#client.set(key, value, how)
      return true
    } catch (error) {
      if (REFUSED.has((error as ClientError).code)) return false
      throw error
    }
  }

  delete(key: string): Promise<boolean> {
    return this.#client.delete(key)
  }

  async increment(key: string): Promise<number> {
    return Number(await this.#client.increment(key))
  }

  async keys(prefix: string): Promise<string[]> {
    const names: string[] = []
    for await (const { key } of this.#client.scan({ prefix, keysOnly: true }))
      names.push(Buffer.from(key).toString())
    return names
  }

  close(): Promise<void> {
    return this.#client.close()
  }
}

const NAMES_A_SCAN = 500
const PATIENCE_MS = 15_000

/** A plain client of one node that speaks the protocol of Redis, and dials again when it has to. */
export class RespDoor implements Door {
  readonly name = 'RESP'
  readonly increments = true
  readonly #port: number
  #wire: WireClient | null = null

  constructor(port: number) {
    this.#port = port
  }

  async get(key: string): Promise<Found | undefined> {
    const { value } = await this.#ask('GET', key)
    return value.length === 0 ? undefined : { value, version: undefined }
  }

  async put(key: string, value: Uint8Array, { ttlMs, ifAbsent }: Put): Promise<boolean> {
    const words: (string | Uint8Array)[] = ['SET', key, value]
    if (ttlMs !== undefined) words.push('PX', String(ttlMs))
    if (ifAbsent === true) words.push('NX')
    return (await this.#ask(...words)).value.length > 0
  }

  async delete(key: string): Promise<boolean> {
    return (await this.#ask('DEL', key)).value.toString() === '1'
  }

  async increment(key: string): Promise<number> {
    return Number((await this.#ask('INCR', key)).value.toString())
  }

  async keys(prefix: string): Promise<string[]> {
    const names: string[] = []
    for (let cursor = '0'; ; ) {
      const { value } = await this.#ask('SCAN', cursor, 'MATCH', `${prefix}*`, 'COUNT', String(NAMES_A_SCAN))
      const [next, ...found] = [...value.toString('latin1').matchAll(/\$\d+\r\n([^\r]*)\r\n/g)]
      names.push(...found.map(([, name]) => name!))
      cursor = next![1]!
      if (cursor === '0') return names
    }
  }

  async close(): Promise<void> {
    this.#wire?.close()
  }

  async #ask(...words: readonly (string | Uint8Array)[]): Promise<Reply> {
    if (this.#wire === null || this.#wire.isClosed)
      this.#wire = await WireClient.connect({ port: this.#port, form: 'resp' })
    const over = new AbortController()
    const late = sleep(PATIENCE_MS, null, { signal: over.signal }).catch(() => null)
    const reply = await Promise.race([this.#wire.ask(respCommand(...words)), late])
    over.abort()
    if (reply === null) {
      this.#wire.close()
      throw new Error(`no answer to ${words[0]} within ${PATIENCE_MS} ms`)
    }
    if (!reply.ok) throw new Error(reply.value.toString())
    return reply
  }
}
