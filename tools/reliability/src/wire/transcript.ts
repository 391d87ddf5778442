/**
 * What a node said on one connection, without what differs from node to node: versions, nonces, times, the
 * figures of its health. Two nodes that were told the same must have the same transcript.
 */
import { FRAME_OPCODE } from '@minivault/protocol'
import { type Message, readScanPage, readStream } from '@minivault/protocol/testing'
import type { BinaryForm } from './requests.ts'

const NO_VERSION = '0'.repeat(24)
/** A value that another client changes all the time, always to one of the same length. */
export const GOOD_KEY = 'zz: the key of the good client'

export interface Transcript {
  lines: string[]
  /** What cannot be read is the node's mistake. */
  problem: string | null
}

export function transcriptOf(form: BinaryForm | 'http', bytes: Uint8Array): Transcript {
  if (form === 'http') {
    return { lines: [Buffer.from(bytes).toString('latin1').split('\r\n')[0]!], problem: null }
  }
  const { messages, end } = readStream(form === 'frame' ? 'frameReply' : 'documentedReply', bytes)
  const problem = end === 'whole' ? null : `its replies end with ${end}`
  if (form === 'documented') return { lines: messages.map(documentedLine), problem }
  // Replies of different requests may overtake each other, those of one may not.
  const byId = [...messages].sort((one, other) => Number(one['frameId']) - Number(other['frameId']))
  return { lines: byId.map(frameLine), problem }
}

function documentedLine({ status, value }: Message): string {
  return `${status} ${/^\{"status":"ok"/.test(String(value)) ? 'health' : value}`
}

function frameLine(message: Message): string {
  const { version, value, totalBytes, ...fields } = message
  const said = { ...fields, version: version === NO_VERSION ? 'none' : 'some', value: givenValue(message) }
  const isSize = fields['opcode'] === FRAME_OPCODE.get
  return JSON.stringify(isSize ? { ...said, totalBytes } : said)
}

function givenValue({ opcode, error, value }: Message): string {
  const text = String(value)
  if (error !== 0) return text.replaceAll(/[0-9a-f]{24}/g, 'version')
  if (opcode === FRAME_OPCODE.health) return 'health'
  if (opcode === FRAME_OPCODE.hello || opcode === FRAME_OPCODE.batch) return `${text.length} bytes`
  if (opcode !== FRAME_OPCODE.scan) return text
  const bytes = Buffer.from(text, 'latin1')
  // Whether the values are with their keys is not in the reply; one of the readings fits.
  const page = readScanPage(bytes, false) ?? readScanPage(bytes, true)
  if (page === null) return 'a page that cannot be read'
  return JSON.stringify({ ...page, entries: page.entries.map(entryOf) })
}

function entryOf(entry: object): object {
  const { version, expiresAtMs, value, ...fields } = entry as Record<string, unknown>
  const isGood = fields['key'] === GOOD_KEY
  return { ...fields, expires: expiresAtMs !== 0, value: isGood ? 'good' : value }
}
