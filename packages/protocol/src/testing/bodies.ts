/**
 * What SCAN and BATCH carry, through the decoders and beside the plain reader: as objects, keys and values as
 * texts of one byte a character; null: refused.
 */
import { Version } from '@minivault/clock'
import { FRAME_FLAG, FRAME_OPCODE } from '../frame-form.ts'
import type * as Protocol from '../index.ts'
import { readBatch, readScanPage, readScanRequest } from './body-reader.ts'
import type { FormName, Message } from './decoders.ts'

const MARGIN = 7

/** Elsewhere in a larger array, between bytes that are not the body's. */
function among(body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.alloc(MARGIN, 0xff), body, Buffer.alloc(MARGIN, 0xff)])
}

/** The fields of a decoded object; its spans become texts. */
function plain(bytes: Buffer, decoded: object, spans: readonly string[]): Record<string, unknown> {
  const fields = decoded as Record<string, unknown>
  const result: Record<string, unknown> = {}
  for (const name in fields) {
    const field = fields[name]
    if (!/(Start|End)$/.test(name)) result[name] = field instanceof Version ? field.toString() : field
  }
  for (const span of spans) {
    result[span] = bytes.toString('latin1', fields[`${span}Start`] as number, fields[`${span}End`] as number)
  }
  return result
}

const KEY_AND_VALUE = ['key', 'value']

export function bodiesOf(protocol: typeof Protocol) {
  const into = new protocol.ScanRequest()
  return {
    scanRequest(body: Uint8Array) {
      const bytes = among(body)
      const end = MARGIN + body.length
      if (protocol.decodeScanRequest(bytes, MARGIN, end, into) < 0) return null
      return plain(bytes, into, ['from', 'to', 'cursor'])
    },

    scanPage(body: Uint8Array, isKeysOnly: boolean) {
      const bytes = among(body)
      const entries: object[] = []
      const cursorBytes = protocol.decodeScanPage(
        bytes,
        MARGIN,
        MARGIN + body.length,
        isKeysOnly,
        (entry) => {
          entries.push(plain(bytes, entry, KEY_AND_VALUE))
        },
      )
      if (cursorBytes < 0) return entries.length === 0 ? null : 'entries of a page that is none'
      const cursorStart = MARGIN + protocol.SCAN_PAGE_HEAD_BYTES
      return { cursor: bytes.toString('latin1', cursorStart, cursorStart + cursorBytes), entries }
    },

    batch(body: Uint8Array) {
      const bytes = among(body)
      const operations: object[] = []
      const count = protocol.decodeBatch(bytes, MARGIN, MARGIN + body.length, (operation) => {
        operations.push(plain(bytes, operation, KEY_AND_VALUE))
      })
      if (count < 0) return operations.length === 0 ? null : 'operations of a batch that is none'
      return operations.length === count ? operations : `${count} announced`
    },
  }
}

/** What decoder and reader make of the body of a message; where they differ, in words, or null. */
export function bodyDifference(
  bodies: ReturnType<typeof bodiesOf>,
  form: FormName,
  { opcode, flags, value }: Message,
): string | null {
  const isRequest = form === 'frameRequest'
  if (!isRequest && form !== 'frameReply') return null
  const body = Buffer.from(String(value), 'latin1')
  // No reply says this of itself: any bit that varies will do, as both readers are told the same.
  const isKeysOnly = (Number(flags) & FRAME_FLAG.json) !== 0
  if (opcode === FRAME_OPCODE.scan) {
    return isRequest
      ? unequal(bodies.scanRequest(body), readScanRequest(body))
      : unequal(bodies.scanPage(body, isKeysOnly), readScanPage(body, isKeysOnly))
  }
  return isRequest && opcode === FRAME_OPCODE.batch ? unequal(bodies.batch(body), readBatch(body)) : null
}

function unequal(got: unknown, want: unknown): string | null {
  const [one, other] = [JSON.stringify(got), JSON.stringify(want)]
  return one === other ? null : `the body is ${one}, not ${other}`
}
