/**
 * What is soaked: a node alone, or three members of a cluster of which the last is started anew time and
 * again. Each has a memory group of its own where the kernel lets us, its heap is bounded as its users would
 * bound it, and its cache is sized for that.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '@minivault/free-port'
import { writeMany } from '../nodes/many-keys.ts'
import { MemberProcess } from '../nodes/member-process.ts'
import { isHealed, MEMBERS, ThreeNodes } from '../nodes/three-nodes.ts'
import { type Door, RespDoor, ShippedDoor } from './doors.ts'
import { MemoryLimit } from './memory-limit.ts'
import { PROBE_OPTION, Vitals } from './vitals.ts'

export const LIMIT_BYTES = 256 * 1024 * 1024
const CACHE_MEBIBYTES = 32
const HEAP_MEBIBYTES = 128
const WORDS = ['-cache', String(CACHE_MEBIBYTES)]
const ENVIRONMENT = { NODE_OPTIONS: `--max-old-space-size=${HEAP_MEBIBYTES} ${PROBE_OPTION}` }
const RESTARTED = 2
const AWAY_MS = 2000
const VOTES_WITHIN_MS = 120_000
const HEALED_WITHIN_MS = 60_000
/** Written before anything is measured: what remembers requests of late remembers as many as it will. */
const FILL_KEYS = 5000
const FILL_BYTES = 40

export interface Soaked {
  readonly vitals: Vitals
  /** Null: it is not running just now. */
  pid(): number | null
  /** It runs all the time: what it takes can be compared. */
  readonly isSteady: boolean
}

export interface Setting {
  readonly name: string
  readonly processes: readonly Soaked[]
  readonly isLimited: boolean
  /** Of the tenants. */
  doors(): Door[]
  /** Where those who come and go find it now. */
  ports(): number[]
  fill(writes: number): Promise<void>
  /** Something happens to it. */
  disturb(turn: number): Promise<void>
  /** Whole again, after the last disturbance. */
  rest(): Promise<void>
  close(): Promise<void>
}

function limitOf(name: string): MemoryLimit | null {
  return MemoryLimit.open(`minivault-${process.pid}-${name.replaceAll(' ', '-')}`, LIMIT_BYTES)
}

async function fillAt(port: number, writes: number): Promise<void> {
  for (let written = 0; written < writes; written += FILL_KEYS) {
    const acknowledged = await writeMany({ port, count: FILL_KEYS, prefix: 'fill', valueBytes: FILL_BYTES })
    if (acknowledged.length < FILL_KEYS) throw new Error(`${acknowledged.length} of ${FILL_KEYS} writes`)
  }
}

export async function singleNode(folder: string, main: string | undefined): Promise<Setting> {
  const vitals = new Vitals('single node')
  const limit = limitOf(vitals.name)
  const directory = join(folder, 'single')
  mkdirSync(directory, { recursive: true })
  const node = await MemberProcess.start({
    port: await freePort(),
    directory,
    words: WORDS,
    environment: ENVIRONMENT,
    main,
    under: limit?.under ?? [],
    onLog: (text) => vitals.hear(text),
  })
  await node.ready
  const { port } = node
  return {
    name: vitals.name,
    processes: [{ vitals, pid: () => (node.isEnded ? null : node.pid), isSteady: true }],
    isLimited: limit !== null,
    doors: () => [
      new ShippedDoor(`minivault://127.0.0.1:${port}`),
      new ShippedDoor(`minivault://127.0.0.1:${port}`),
      new ShippedDoor(`http://127.0.0.1:${port}`),
      new RespDoor(port),
    ],
    ports: () => [port],
    fill: (writes) => fillAt(port, writes),
    disturb: async () => {},
    rest: async () => {},
    async close() {
      await node.kill()
      limit?.close()
    },
  }
}

export async function cluster(folder: string): Promise<Setting> {
  const vitals = MEMBERS.map((member) => new Vitals(`member ${member}`))
  const limits = vitals.map(({ name }) => limitOf(name))
  const nodes = await ThreeNodes.start({
    folder,
    words: WORDS,
    environmentOf: () => ENVIRONMENT,
    underOf: (member) => limits[member]?.under ?? [],
    onLog: (member, text) => vitals[member]!.hear(text),
  })
  const names = MEMBERS.map((member) => nodes.network.nameOf(member)).join(',')
  const pidOf = (member: number) => {
    if (!nodes.isRunning(member) || nodes.process(member).isEnded) return null
    return nodes.process(member).pid
  }
  return {
    name: 'cluster',
    processes: MEMBERS.map((member) => ({
      vitals: vitals[member]!,
      pid: () => pidOf(member),
      isSteady: member !== RESTARTED,
    })),
    isLimited: limits.every((limit) => limit !== null),
    doors: () => [
      ...[0, 1, 2].map(() => new ShippedDoor(`minivault://${names}`)),
      ...[0, 1].map(() => new ShippedDoor(`http://${names}`)),
      ...[0, 1].map((member) => new RespDoor(nodes.portOf(member))),
    ],
    ports: () => MEMBERS.map((member) => nodes.portOf(member)).filter((port) => port > 0),
    fill: (writes) => fillAt(nodes.portOf(0), writes),
    async disturb(turn) {
      await (turn % 2 === 0 ? nodes.stop(RESTARTED) : nodes.kill(RESTARTED))
      await sleep(AWAY_MS)
      await nodes.start(RESTARTED)
      await nodes.voting(VOTES_WITHIN_MS)
    },
    async rest() {
      await nodes.voting(VOTES_WITHIN_MS)
      await nodes.until('everybody has what was missed', HEALED_WITHIN_MS, () => isHealed(nodes))
    },
    async close() {
      await nodes.close()
      for (const limit of limits) limit?.close()
    },
  }
}
