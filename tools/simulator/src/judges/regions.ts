/**
 * What holds with regions. In each one what was asked there (reads and plain writes), and in the home region
 * what is conditional, wherever it was asked, has one order that agrees with real time; what other regions
 * wrote appears in it at some time, each version at most once, or never. At rest all regions hold the same,
 * and nothing that was acknowledged lies above it.
 */
import { isAbove, LEVEL, type Version } from '@minivault/cluster'
import { Operation, type Written } from '../world/operation.ts'
import type { HomeTime, Phases } from '../world/phases.ts'
import type { World } from '../world/world.ts'
import { judgeCounters } from './counters.ts'
import { isWitness, type KeyHistory, nameOf } from './key-history.ts'
import { judgeLinearizability, type Linearizability } from './linearizability.ts'
import type { Seen } from './version-order.ts'

/** Above the numbers of all operations. */
const FOREIGN = 1_000_000

/** What another region wrote, as this one sees it: it may have taken effect, at any time from its call on. */
class ForeignWrite extends Operation {
  readonly #value: number | null

  constructor({ operation, value }: Written, number: number) {
    const kind = value === null ? 'delete' : 'put'
    super({ ...operation.start, id: FOREIGN + number, kind, expected: null, isFinal: false })
    this.#value = value
  }

  override get written(): number {
    return this.#value ?? 0
  }
}

/** The home, whichever region it is. */
const HOME = 'home'
type Place = number | typeof HOME

export interface RegionsVerdict {
  readonly violations: readonly string[]
  readonly undecided: number
}

export function judgeRegions(world: World, history: KeyHistory): RegionsVerdict {
  const regions = world.plan.setup.regions!
  const violations: string[] = []
  let undecided = 0
  // A region that was the home all the time has its order in that of the home.
  const { homes } = world.phases
  const others = [...new Set(regions)].filter((region) => homes.length > 1 || region !== homes[0]!.region)
  for (const region of [HOME, ...others] as const) {
    const isOurs = isAskedIn(region, regions, world.phases)
    const seenThere = seenIn(world, history, isOurs)
    if (seenThere === 'undecided') undecided += 1
    else if (seenThere === 'no') violations.push(`${placeName(region)}: no order is right`)
    else if (seenThere !== 'yes') violations.push(`${placeName(region)}: ${seenThere.why}`)
  }
  const { operations } = history
  const lastMs = Math.max(...operations.filter(({ start }) => start.isFinal).map(({ start }) => start.callMs))
  const counted = operations.filter(({ start }) => !start.isFinal || start.callMs === lastMs)
  violations.push(judgeCounters({ ...history, operations: counted }), lostIn(world, history, lastMs))
  return { violations: violations.filter((why) => why !== ''), undecided }
}

function placeName(place: Place): string {
  return place === HOME ? 'the home' : `region ${place}`
}

/** What has one order with what is asked there. */
function isAskedIn(
  place: Place,
  regions: readonly number[],
  { homes, goneMs }: Phases,
): (operation: Operation) => boolean {
  const regionOf = ({ start }: Operation) => regions[start.member!]!
  if (place !== HOME) {
    const untilMs = goneMs.get(place) ?? Number.POSITIVE_INFINITY
    return (operation) =>
      !operation.isConditional && regionOf(operation) === place && operation.returnMs <= untilMs
  }
  return (operation) => {
    const { start, returnMs, isConditional } = operation
    const isDuring = ({ region, fromMs, untilMs }: HomeTime) =>
      region === regionOf(operation) && fromMs <= start.callMs && returnMs <= untilMs
    return isConditional || homes.some(isDuring)
  }
}

/** Else: what is wrong at once. */
function seenIn(
  { history: all }: World,
  history: KeyHistory,
  isOurs: (operation: Operation) => boolean,
): Linearizability | { readonly why: string } {
  const written = new Map<string, Written>()
  for (const one of all.allWritten(history.key)) {
    const isForeign = !isOurs(one.operation)
    const operation = isForeign ? new ForeignWrite(one, written.size) : one.operation
    written.set(one.version.toString(), { ...one, operation })
  }
  const ours = history.operations.filter(isOurs)
  const seen = new Map<string, Seen>()
  for (const operation of ours.filter(isWitness)) {
    const why = see(operation.version, operation.returnMs, written, seen)
    if (why !== '') return { why: `${nameOf(operation)}: ${why}` }
  }
  const foreign = [...seen.values()]
    .map((one) => one.written.operation)
    .filter((one) => one.start.id >= FOREIGN)
  const writtenOf = (version: Version) => written.get(version.toString())
  const inRegion = { ...history, operations: [...ours, ...foreign], writtenOf }
  return judgeLinearizability(inRegion, [...seen.values()])
}

/** A version, and what it was decided on. Empty: nothing is wrong. */
function see(
  version: Version,
  atMs: number,
  written: ReadonlyMap<string, Written>,
  seen: Map<string, Seen>,
): string {
  const text = version.toString()
  const before = seen.get(text)
  if (version.isZero() || (before !== undefined && before.firstMs <= atMs)) return ''
  const one = written.get(text)
  if (one === undefined) return `${text} was seen and never written`
  if (one.operation.start.callMs > atMs) return `${text} was seen before its call`
  seen.set(text, { written: one, firstMs: atMs })
  const { predecessor, operation } = one
  // Of what another region wrote it is no matter here what it was decided on.
  if (predecessor === null || operation.start.id >= FOREIGN) return ''
  return see(predecessor, atMs, written, seen)
}

/** Empty: nothing is. Whatever took its place has a higher ballot, and is there. */
function lostIn({ heldAtRest }: World, { key, operations }: KeyHistory, lastMs: number): string {
  const [held] = heldAtRest[key] ?? []
  if (held === undefined) return ''
  const ballot = held.record?.ballot ?? held.floor
  const lost = operations.find(({ isRead, ending, start, version }) => {
    return !isRead && ending === 'ok' && start.level === LEVEL.quorum && isAbove(version, ballot)
  })
  if (lost !== undefined) return `${nameOf(lost)} was acknowledged as ${lost.version}; ${ballot} is left`
  const reads = operations.filter(({ start, ending }) => start.callMs === lastMs && ending === 'ok')
  const other = reads.find(({ value }) => value !== reads[0]!.value)
  return other === undefined ? '' : `at the end ${reads[0]!.value} is read, and ${other.value}`
}
