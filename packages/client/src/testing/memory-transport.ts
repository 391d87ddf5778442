/*
 * Answers requests from a table in memory, each in a turn of its own.
 */

import {
  decodeBatch,
  ERROR,
  encodeVersions,
  errorKind,
  FRAME_FLAG,
  FRAME_OPCODE,
  readI64,
  VALUE_BYTES_MAX,
  writeI64,
} from '@minivault/protocol'
import { lettersOf, textOf, utf8 } from '../bytes.ts'
import type { Transport } from '../calls.ts'
import { ClientError } from '../client-error.ts'
import { gather } from '../gather.ts'
import { EMPTY, KIND, type Reply, type Request, SOME_CARRIER } from '../request.ts'
import type { Time } from '../time.ts'
import { pageOf } from './memory-page.ts'
import type { Held, MemoryTable } from './memory-table.ts'

const I64_MAX = 2n ** 63n - 1n

export class MemoryTransport implements Transport {
  readonly #table: MemoryTable
  readonly #time: Time
  readonly #takeRefusal: () => ClientError | undefined

  /** @param takeRefusal why the next call is to be refused */
  constructor(table: MemoryTable, time: Time, takeRefusal: () => ClientError | undefined) {
    this.#table = table
    this.#time = time
    this.#takeRefusal = takeRefusal
  }

  submit(request: Request): void {
    this.#run(request).catch((error: ClientError) => request.reject(error))
  }

  async #run(request: Request): Promise<void> {
    if (request.pieces !== null) await gather(request, this.#time, VALUE_BYTES_MAX)
    await null
    if (request.settled) return
    request.carrier = SOME_CARRIER
    const refusal = this.#takeRefusal()
    if (refusal !== undefined) throw refusal
    request.resolve(this.#answer(request))
  }

  #answer(request: Request): Reply {
    const key = lettersOf(request.key)
    switch (request.kind) {
      case KIND.get:
        return this.#get(request, this.#table.get(key))
      case KIND.set:
        return this.#set(request, key)
      case KIND.delete:
        this.#check(request, this.#table.get(key))
        return reply({ exists: this.#table.delete(key), version: this.#table.nextVersion() })
      case KIND.touch:
        return this.#touch(request, key)
      case KIND.increment:
        return this.#increment(request, key)
      case KIND.batch:
        return this.#batch(request)
      case KIND.scan:
        return reply({ page: pageOf(this.#table, request.scan!) })
      case KIND.health:
        return reply({ value: utf8('{"status":"ok","mode":"memory"}') })
      default:
        throw refused('UNSUPPORTED')
    }
  }

  #get(request: Request, held: Held | undefined): Reply {
    if (held === undefined) return reply({ exists: false, type: 'raw' })
    const { value, version, isJson, expiresAtMs } = held
    const type = isJson ? 'json' : 'raw'
    if (request.has(FRAME_FLAG.noValue)) return reply({ version, type, expiresAtMs, size: value.length })
    const { rangeStart, rangeBytes } = request
    const end = rangeBytes === 0 ? value.length : rangeStart + rangeBytes
    const bytes = value.slice(rangeStart, end)
    return reply({ value: bytes, version, type, expiresAtMs, size: value.length })
  }

  #set(request: Request, key: string): Reply {
    const held = this.#table.get(key)
    if (request.has(FRAME_FLAG.ifAbsent) && held !== undefined) throw refused('KEY_EXISTS', held)
    this.#check(request, held)
    const isJson = request.has(FRAME_FLAG.json)
    return reply(this.#table.set(key, request.value, isJson, this.#table.expiryOf(request.ttlMs)))
  }

  #touch(request: Request, key: string): Reply {
    const held = this.#table.get(key)
    if (held === undefined) return reply({ exists: false })
    this.#check(request, held)
    const { value, isJson } = held
    return reply({
      version: this.#table.set(key, value, isJson, this.#table.expiryOf(request.ttlMs)).version,
    })
  }

  #increment({ value, ttlMs }: Request, key: string): Reply {
    const held = this.#table.get(key)
    const before = numberOf(held)
    const sum = before === null ? null : before + readI64(value, 0)
    if (sum === null || sum > I64_MAX || sum < -I64_MAX - 1n) throw refused('NOT_A_NUMBER', held)
    const expiresAtMs = held === undefined ? this.#table.expiryOf(ttlMs) : held.expiresAtMs
    const { version } = this.#table.set(key, utf8(`${sum}`), false, expiresAtMs)
    const bytes = new Uint8Array(8)
    writeI64(sum, bytes, 0)
    return reply({ value: bytes, version })
  }

  #batch({ value }: Request): Reply {
    const versions: string[] = []
    decodeBatch(value, 0, value.length, (operation) => {
      const key = lettersOf(value.subarray(operation.keyStart, operation.keyEnd))
      if (operation.opcode === FRAME_OPCODE.delete) {
        this.#table.delete(key)
        versions.push(this.#table.nextVersion())
      } else {
        const bytes = value.subarray(operation.valueStart, operation.valueEnd)
        const expiresAtMs = this.#table.expiryOf(operation.ttlMs)
        versions.push(this.#table.set(key, bytes, operation.isJson, expiresAtMs).version)
      }
    })
    return reply({ value: encodeVersions(versions) })
  }

  #check(request: Request, held: Held | undefined): void {
    if (!request.has(FRAME_FLAG.ifVersion)) return
    if (held?.version !== request.expectedVersion!.toString()) throw refused('VERSION_MISMATCH', held)
  }

  abandon(): void {}

  close(): void {}
}

/** What a value is as a number, 0 where there is none; null: it is no number. */
function numberOf(held: Held | undefined): bigint | null {
  if (held === undefined) return 0n
  const text = textOf(held.value)
  if (!/^(0|-?[1-9]\d{0,18})$/.test(text)) return null
  const number = BigInt(text)
  return number > I64_MAX || number < -I64_MAX - 1n ? null : number
}

function reply(parts: Partial<Reply>): Reply {
  const { exists = true, value = EMPTY, type, version, expiresAtMs, size = value.length, page } = parts
  const whole: Reply = { exists, value, type, version, expiresAtMs, size, hasMore: false }
  return page === undefined ? whole : { ...whole, page }
}

function refused(code: 'KEY_EXISTS' | 'VERSION_MISMATCH' | 'NOT_A_NUMBER' | 'UNSUPPORTED', held?: Held) {
  return new ClientError(code, errorKind(ERROR[code]).message, { version: held?.version })
}
