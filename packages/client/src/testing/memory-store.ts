/*
 * A store in memory for the tests of applications: clients of it have every call, check what they are given
 * and fail as clients of a node do, without a node, a socket or a file. What it does is held against a real
 * node by the same tests.
 */

import { ERROR, type ErrorName, errorKind } from '@minivault/protocol'
import { ClientError } from '../client-error.ts'
import { Listeners } from '../client-events.ts'
import { KeyValueClient } from '../key-value-client.ts'
import type { CallsDefaults } from '../options.ts'
import { RequestClock } from '../request-clock.ts'
import { systemTime, type Time } from '../time.ts'
import { MemoryTable } from './memory-table.ts'
import { MemoryTransport } from './memory-transport.ts'

export interface MemoryStoreOptions {
  /** ms since 1970, for expiry and versions; default: the wall clock */
  now?: () => number
}

export class MemoryStore {
  readonly #time: Time
  readonly #table: MemoryTable
  /** refusals that are due, first come first */
  readonly #refusals: ClientError[] = []

  constructor({ now }: MemoryStoreOptions = {}) {
    this.#time = now === undefined ? systemTime : { ...systemTime, now }
    this.#table = new MemoryTable(this.#time)
  }

  /** A client of this store; any number share it. Goes where `Client` is asked for. */
  open(options: CallsDefaults = {}): KeyValueClient {
    return new MemoryClient(options, this.#time, (time) => {
      return new MemoryTransport(this.#table, time, () => this.#refusals.shift())
    })
  }

  /** Live values. */
  get size(): number {
    return this.#table.size
  }

  clear(): void {
    this.#table.clear()
  }

  /** The next `times` calls are refused with this code, as a node would; a write then has no effect. */
  refuse(code: Exclude<ErrorName, 'NONE'>, times = 1): void {
    const { message, retryable } = errorKind(ERROR[code])
    for (let i = 0; i < times; i++) this.#refusals.push(new ClientError(code, message, { retryable }))
  }
}

class MemoryClient extends KeyValueClient {
  constructor(options: CallsDefaults, time: Time, transport: (time: Time) => MemoryTransport) {
    super(options, {
      address: { scheme: 'minivault', host: 'memory', port: 3000, token: '' },
      transport: transport(time),
      clock: new RequestClock(time),
      listeners: new Listeners(),
      // Deadlines go by real time, also where the store's stands still.
      time: systemTime,
    })
  }
}
