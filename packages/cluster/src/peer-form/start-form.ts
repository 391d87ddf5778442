/** What members say before they are members, as bytes: docs/PEERS.md, "First start". */
import type { StartMessage } from '../first-start.ts'
import type { LayoutState } from '../layout-state.ts'
import { decodeMark, encodeMark, type TableForm } from '../mark-format.ts'
import { hashBytes, hashText, idBytes, idText } from './batch-header.ts'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'

const KIND = { whose: 1, theirs: 2 } as const
const HAS_HEARD_OF_YOU = 1
const WHOSE_BYTES = 32
const THEIRS_BYTES = 40

/** Its own memory. Throws RangeError for a cluster id or a hash that is not hexadecimal. */
export function encodeStart(message: StartMessage<LayoutState>, tables: TableForm): Uint8Array {
  const isAnswer = message.kind === 'theirs'
  const state = isAnswer ? message.layout : null
  const layout = state === null ? new Uint8Array() : encodeMark({ kind: 'layout', state }, tables).value
  const length = isAnswer ? THEIRS_BYTES + layout.length : WHOSE_BYTES
  const out = new ByteWriter(length)
  out.room(length)
  out.putU8(KIND[message.kind])
  out.putU8(isAnswer && message.hasHeardOfYou ? HAS_HEARD_OF_YOU : 0)
  out.putU16(0)
  out.putU32(length)
  out.putU64(message.asking)
  out.putBytes(idBytes(message.clusterId))
  if (isAnswer) {
    out.putBytes(hashBytes(message.membersHash))
    out.putBytes(layout)
  }
  return out.bytes.slice(0, length)
}

/**
 * As `readMessages`.
 *
 * @returns how many; below 0: malformed, those before the bad one were handed over
 */
export function readStarts(
  bytes: Uint8Array,
  start: number,
  end: number,
  tables: TableForm,
  onMessage: (message: StartMessage<LayoutState>) => void,
): number {
  const from = new ByteReader()
  from.open(bytes, start, end)
  let count = 0
  while (from.at < end) {
    from.end = end
    const message = readStart(from, tables)
    if (message === null || from.isBad) return -1
    onMessage(message)
    count += 1
  }
  return count
}

function readStart(from: ByteReader, tables: TableForm): StartMessage<LayoutState> | null {
  const { bytes, at } = from
  if (!from.has(WHOSE_BYTES)) return null
  const kind = from.takeU8()
  const flags = from.takeU8()
  from.at += 2
  const length = from.takeU32()
  const asking = from.takeU64()
  const clusterId = idText(bytes, from.at)
  from.at = at + length
  if (kind === KIND.whose) return length === WHOSE_BYTES ? { kind: 'whose', asking, clusterId } : null
  if (kind !== KIND.theirs || length < THEIRS_BYTES || from.at > from.end) return null
  const membersHash = hashText(bytes, at + WHOSE_BYTES)
  const hasHeardOfYou = (flags & HAS_HEARD_OF_YOU) !== 0
  const layout = readState(bytes.subarray(at + THEIRS_BYTES, from.at), tables)
  if (layout === undefined) return null
  return { kind: 'theirs', asking, clusterId, membersHash, layout, hasHeardOfYou }
}

/** Null: there is none; undefined: it is malformed. */
function readState(value: Uint8Array, tables: TableForm): LayoutState | null | undefined {
  if (value.length === 0) return null
  try {
    const mark = decodeMark({ key: 'layout', value }, tables)
    return mark?.kind === 'layout' ? mark.state : undefined
  } catch {
    return undefined
  }
}
