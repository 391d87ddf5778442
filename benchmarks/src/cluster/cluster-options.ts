/** The flags of `pnpm bench cluster`. */
import { CASE_FLAGS, type CaseOptions, readCaseOptions } from '../cases.ts'
import { choice, number, numbers, parseFlags, TEXT } from '../flags.ts'
import { NODE_DURABILITIES } from '../servers/minivault-server.ts'
import { AWAY, type ClusterCase, LEVELS } from './figures.ts'
import { CASES } from './plan.ts'

export const PARTS = ['cases', 'converge', 'incidents', 'heal', 'join', 'regions'] as const
export type Part = (typeof PARTS)[number]

export interface ClusterOptions extends CaseOptions {
  readonly parts: readonly Part[]
  readonly cases: readonly ClusterCase[]
  readonly convergeWrites: number
  readonly incidentSeconds: number
  readonly regionsTurnMs: number
  readonly healKeys: number
  readonly healRounds: number
}

const SECONDS_MIN = 0.05
const FULL = { keyspace: 20_000, rounds: 3, seconds: 1.5, convergeWrites: 2000, healKeys: 1_000_000 }
const QUICK = { keyspace: 1000, rounds: 1, seconds: 0.2, convergeWrites: 100, healKeys: 20_000 }
const HEAL_ROUNDS = 3
const INCIDENT_SECONDS = 10
/** Of each of the turns in which one region alone, and several, are written to. */
const REGIONS_TURN_MS = 10_000

export const HELP = `pnpm bench cluster: three nodes beside a single one and beside three members of etcd
  --quick               one short round of each case; writes nothing
  --part P              only ${PARTS.join(', ')}
  --operation O         only set, get
  --level L             only ${LEVELS.join(', ')}
  --durability D        only ${NODE_DURABILITIES.join(', ')}
  --away A              only with this the matter with the third member: ${AWAY.join(', ')}
  --bytes 64,1024       only these value sizes
  --pipeline 1,16       only these pipelines
  --rounds 3            --seconds 1.5 (of a round)      --keyspace 20000
  --writes 2000         of the time until all members show a write
  --keys 1000000        of the healing, where one in a hundred differs, and of the joining
  --render              measures nothing: writes the page from the last complete run again
A complete run is written to docs/BENCHMARKS.md and benchmarks/results/; a part of it is only printed.
`

/** Null when the words ask for help. */
export function readClusterOptions(words: readonly string[]): ClusterOptions | null {
  const more = {
    part: TEXT,
    operation: TEXT,
    level: TEXT,
    away: TEXT,
    pipeline: TEXT,
    writes: TEXT,
    keys: TEXT,
  }
  const values = parseFlags(words, { ...CASE_FLAGS, ...more })
  if (values.help) return null
  const base = values.quick ? QUICK : FULL
  const part = choice('part', values.part, PARTS)
  const operation = choice('operation', values.operation, ['set', 'get'])
  const level = choice('level', values.level, LEVELS)
  const durability = choice('durability', values.durability, NODE_DURABILITIES)
  const away = choice('away', values.away, AWAY)
  const bytes = numbers('bytes', values.bytes)
  const pipelines = numbers('pipeline', values.pipeline)
  return {
    parts: part === undefined ? PARTS : [part],
    cases: CASES.filter(
      (one) =>
        (operation ?? one.operation) === one.operation &&
        (level ?? one.level) === one.level &&
        (durability ?? one.durability) === one.durability &&
        (away ?? one.away) === one.away &&
        (bytes ?? [one.valueBytes]).includes(one.valueBytes) &&
        (pipelines ?? [one.pipeline]).includes(one.pipeline),
    ),
    ...readCaseOptions(values, base, SECONDS_MIN),
    // The servers of a cluster are more than there are cores.
    pin: false,
    convergeWrites: number('writes', values.writes) ?? base.convergeWrites,
    incidentSeconds: values.quick ? INCIDENT_SECONDS / 2 : INCIDENT_SECONDS,
    regionsTurnMs: values.quick ? REGIONS_TURN_MS / 10 : REGIONS_TURN_MS,
    healKeys: number('keys', values.keys, 100) ?? base.healKeys,
    healRounds: values.quick ? 1 : HEAL_ROUNDS,
  }
}
