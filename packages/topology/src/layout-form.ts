/**
 * The binary form of a layout, version 2: docs/CLUSTER_LAYOUT.md draws it. Each layout has exactly one form,
 * and a decoder refuses all other bytes, so that two nodes that read the same bytes have the same layout.
 * Version 1, which named no home, is read as well: what it meant is the home by default.
 */
import { crc32 } from './crc32.ts'
import { homeByDefault, isRegionOf, Layout, type LayoutParts } from './layout.ts'
import { MEMBERS_MAX, REPLICAS_MAX } from './limits.ts'
import { type Member, memberBytes, sortMembers } from './member.ts'
import { PARTITIONS } from './partition.ts'
import { type LayoutMode, type ReplicaGroup, replicaGroups, widthOf } from './replica-group.ts'
import { TopologyError } from './topology-error.ts'

const MAGIC = 0x594c564d
const VERSION = 2
/** Without a home. */
const VERSION_BEFORE = 1
const MODES: readonly LayoutMode[] = ['federated', 'stretched']
const HEADER_BYTES = 16
const CRC_BYTES = 4

export function encodeLayout(layout: Layout): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt32LE(MAGIC, 0)
  header.writeUInt16LE(VERSION, 4)
  header.writeUInt8(MODES.indexOf(layout.mode), 6)
  header.writeUInt8(layout.replicas, 7)
  header.writeUInt32LE(layout.epoch, 8)
  header.writeUInt16LE(layout.members.length, 12)
  header.writeUInt16LE(layout.width, 14)
  const table = Buffer.alloc(layout.table.length * 2)
  layout.table.forEach((place, at) => {
    table.writeUInt16LE(place, at * 2)
  })
  const crc = Buffer.alloc(CRC_BYTES)
  const home = Buffer.concat([Buffer.of(layout.home.length), Buffer.from(layout.home)])
  const bytes = Buffer.concat([header, ...layout.members.map(memberBytes), home, table, crc])
  bytes.writeUInt32LE(crc32(bytes.subarray(0, -CRC_BYTES)), bytes.length - CRC_BYTES)
  return bytes
}

/** Keeps nothing of `bytes`. Throws TopologyError TOPOLOGY_BAD_LAYOUT for all that is not the form. */
export function decodeLayout(bytes: Uint8Array): Layout {
  const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  check(input.length >= HEADER_BYTES + CRC_BYTES, `${input.length} bytes are too few`)
  check(input.readUInt32LE(0) === MAGIC, 'it does not begin with MVLY')
  const version = input.readUInt16LE(4)
  check(version === VERSION || version === VERSION_BEFORE, `it has version ${version}, known is ${VERSION}`)
  const body = input.subarray(0, -CRC_BYTES)
  check(crc32(body) === input.readUInt32LE(body.length), 'its checksum does not fit')
  const parts = readHeader(body)
  const { members, end: membersEnd } = readMembers(body)
  const isBefore = version === VERSION_BEFORE
  const home = isBefore ? homeBefore(parts.mode, members) : readText(body, membersEnd)
  const end = isBefore ? membersEnd : membersEnd + 1 + home.length
  const groups = replicaGroups(members, parts.mode, parts.replicas)
  const width = widthOf(groups)
  check(width === body.readUInt16LE(14), `its rows have a width of ${body.readUInt16LE(14)}, not ${width}`)
  check(body.length - end === PARTITIONS * width * 2, 'its table is cut, or something follows it')
  check(isHome(home, parts.mode, members), 'its home is not one of its regions')
  const table = Uint16Array.from({ length: PARTITIONS * width }, (_, at) => body.readUInt16LE(end + at * 2))
  checkRows(table, groups)
  return new Layout({ ...parts, home, members, table })
}

function readHeader(body: Buffer): Omit<LayoutParts, 'home' | 'members' | 'table'> {
  const mode = MODES[body.readUInt8(6)]
  const replicas = body.readUInt8(7)
  const epoch = body.readUInt32LE(8)
  if (mode === undefined) throw refused(`its mode is ${body.readUInt8(6)}`)
  check(replicas >= 1 && replicas <= REPLICAS_MAX, `it asks for ${replicas} replicas`)
  check(epoch >= 1, 'its epoch is 0')
  return { epoch, mode, replicas }
}

/** Where members are cut, `end` lies beyond the end: then the length of the table does not fit. */
function readMembers(body: Buffer): { members: readonly Member[]; end: number } {
  const count = body.readUInt16LE(12)
  check(count >= 1 && count <= MEMBERS_MAX, `it has ${count} members`)
  let at = HEADER_BYTES
  const text = (): string => {
    const read = readText(body, at)
    at += 1 + (body[at] ?? 0)
    return read
  }
  const read = Array.from({ length: count }, () => ({ name: text(), region: text(), zone: text() }))
  const members = sorted(read)
  const inOrder = members.every(({ name }, i) => name === read[i]!.name)
  check(inOrder, 'its members are not in order or have names that are not normalised')
  return { members, end: at }
}

/** Behind the byte that says how long it is; cut where the body ends. */
function readText(body: Buffer, at: number): string {
  return body.toString('latin1', at + 1, at + 1 + (body[at] ?? 0))
}

function homeBefore(mode: LayoutMode, members: readonly Member[]): string {
  return mode === 'stretched' ? '' : homeByDefault(members)
}

function isHome(home: string, mode: LayoutMode, members: readonly Member[]): boolean {
  return mode === 'stretched' ? home === '' : isRegionOf(home, members)
}

function sorted(members: readonly Member[]): readonly Member[] {
  try {
    return sortMembers(members)
  } catch (cause) {
    throw refused(cause instanceof Error ? cause.message : 'its members are none', cause)
  }
}

/** Each group in its place of each row, with members of its own, none twice. */
function checkRows(table: Uint16Array, groups: readonly ReplicaGroup[]): void {
  let at = 0
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for (const { members, replicas } of groups) {
      const row = table.subarray(at, at + replicas)
      const areMembers = row.every((place) => members.includes(place))
      check(areMembers && new Set(row).size === replicas, `its row ${partition} is not one of its members`)
      at += replicas
    }
  }
}

function check(holds: boolean, why: string): void {
  if (!holds) throw refused(why)
}

function refused(why: string, cause?: unknown): TopologyError {
  return new TopologyError('TOPOLOGY_BAD_LAYOUT', `these bytes are no layout: ${why}`, cause)
}
