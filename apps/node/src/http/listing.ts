/**
 * `GET /-/keys`: a page of keys as JSON. Each entry becomes text when it is found, so that a page knows its
 * size and holds no value it will not send.
 */
import { isUtf8 } from 'node:buffer'
import { ERROR, isJsonText, OUTCOME, SCAN_ENTRIES_DEFAULT, SCAN_ENTRIES_MAX } from '@minivault/protocol'
import { type ScanEntry, VALUE_TYPE } from '@minivault/storage'
import { KIND, type ScanQuery } from '../key-value.ts'
import { LISTING_BYTES_MAX } from '../limits.ts'
import { BadHeader } from './bad-header.ts'
import type { Exchange } from './exchange.ts'
import { readQuery } from './query.ts'
import { readWishes } from './request-headers.ts'

const NAMES = ['prefix', 'from', 'to', 'limit', 'cursor', 'reverse', 'values'] as const
const HEAD = Buffer.from('{"success":true,"keys":[')
const COMMA = Buffer.from(',')
const NOTHING = Buffer.alloc(0)

export class Listing {
  readonly #exchange: Exchange
  readonly #pieces: Buffer[] = [HEAD]
  #bytes = 0

  constructor(exchange: Exchange) {
    this.#exchange = exchange
  }

  /** @param text what stands behind the `?` of the target */
  start(text: string): void {
    const exchange = this.#exchange
    const { operation, keyValue, durability } = exchange.context
    let scan: ScanQuery
    try {
      readWishes(exchange.headers, KIND.scan, durability)
      scan = this.#query(text)
    } catch (error) {
      if (!(error instanceof BadHeader)) throw error
      return exchange.refuse(ERROR.BAD_REQUEST, error.message)
    }
    operation.begin(KIND.scan, NOTHING, 0, 0, durability)
    operation.scan = scan
    const token = exchange.ask((answer) => {
      if (answer.outcome !== OUTCOME.ok) return exchange.fail(answer)
      this.#pieces.push(Buffer.from(`],"cursor":${JSON.stringify(answer.cursor)}}`))
      exchange.succeed(200, Buffer.concat(this.#pieces))
    })
    keyValue.submit(operation, token)
  }

  #query(text: string): ScanQuery {
    const query = readQuery(text, NAMES)
    const exchange = this.#exchange
    const isWanted = () => !exchange.isOver
    const keysOnly = !flagOf('values', query.values)
    return {
      prefix: query.prefix ?? NOTHING,
      from: query.from ?? null,
      fromExclusive: false,
      to: query.to ?? null,
      toInclusive: false,
      reverse: flagOf('reverse', query.reverse),
      keysOnly,
      cursor: query.cursor?.toString('latin1') ?? '',
      entriesMax: limitOf(query.limit),
      mayBegin: isWanted,
      isWanted,
      take: (entry) => this.#take(entry, keysOnly),
    }
  }

  /** False: the page is full without this one. */
  #take(entry: ScanEntry, keysOnly: boolean): boolean {
    const isFirst = this.#pieces.length === 1
    const about = Buffer.from(aboutOf(entry, keysOnly))
    const isLeftOut = keysOnly || entry.leftBytes !== undefined
    const whole = isLeftOut ? NOTHING : shownValue(entry)
    // A value that would fit no page goes without.
    const value = about.length + whole.length > LISTING_BYTES_MAX ? NOTHING : whole
    if (this.#bytes + about.length + value.length > LISTING_BYTES_MAX && !isFirst) return false
    const piece = Buffer.concat(isFirst ? [about, value, END] : [COMMA, about, value, END])
    this.#pieces.push(piece)
    this.#bytes += piece.length
    return true
  }
}

const END = Buffer.from('}')

/** All but the value, up to where it would follow. */
function aboutOf({ key, version, value, expiresAtMs, leftBytes }: ScanEntry, keysOnly: boolean): string {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.length)
  const name = isUtf8(bytes)
    ? JSON.stringify(bytes.toString('utf8'))
    : `"${bytes.toString('base64')}","encoding":"base64"`
  const size = keysOnly ? '' : `,"size":${leftBytes ?? value.length}`
  const end = expiresAtMs === 0 ? '' : `,"expiresAt":${expiresAtMs}`
  return `{"key":${name},"version":"${version}"${size}${end}`
}

/** As in the answer to a GET. */
function shownValue({ value, type }: ScanEntry): Buffer {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
  if (type === VALUE_TYPE.json || isJsonText(value, 0, value.length)) {
    return Buffer.concat([Buffer.from(',"value":'), bytes])
  }
  if (isUtf8(bytes)) return Buffer.from(`,"value":${JSON.stringify(bytes.toString('utf8'))}`)
  return Buffer.from(`,"value":"${bytes.toString('base64')}","valueEncoding":"base64"`)
}

function flagOf(name: string, text: Buffer | undefined): boolean {
  const flag = text?.toString('latin1') ?? 'false'
  if (flag !== 'true' && flag !== 'false') throw new BadHeader(`${name} is true or false`)
  return flag === 'true'
}

function limitOf(text: Buffer | undefined): number {
  if (text === undefined) return SCAN_ENTRIES_DEFAULT
  const digits = text.toString('latin1')
  const limit = /^\d{1,6}$/.test(digits) ? Number(digits) : 0
  if (limit >= 1 && limit <= SCAN_ENTRIES_MAX) return limit
  throw new BadHeader(`limit is a number from 1 to ${SCAN_ENTRIES_MAX}`)
}
