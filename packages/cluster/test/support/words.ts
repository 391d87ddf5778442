/**
 * How a transcript writes what the core says: `x@20` is the value x under ballot 20, `x@30/20` the same
 * version accepted again under ballot 30, `gone@20` a tombstone, `@20` one whose value was not sent,
 * `nothing` that nothing was ever there, `nothing@20` that a round chose just that.
 */
import {
  type HeldRecord,
  isAbsent,
  isEqual,
  type LayoutValue,
  NEVER,
  OUTCOME,
  type Outcome,
  type Promised,
  REASON,
  type Reason,
  type Value,
  VERDICT,
  type Verdict,
  Version,
  ZERO,
} from '../../src/index.ts'

export interface Text extends Value {
  readonly text: string
}

/** The writers of versions, by their number; what a client stamped has none. */
const WRITERS = ['', 'A', 'B', 'C', 'D']

/**
 * `100A` of a wall time in ms and who made it, `100.1A` the next one in the same ms, `100A'` one that A
 * raised above another, where its clock could not follow.
 */
export function writtenVersion({ wallMs, counter, writerId }: Version): string {
  const writer = WRITERS[writerId >>> 1] ?? `w${writerId >>> 1}`
  return `${wallMs}${counter === 0 ? '' : `.${counter}`}${writer}${(writerId & 1) === 1 ? "'" : ''}`
}

export function readVersion(text: string): Version {
  const match = /^(\d+)(?:\.(\d+))?([A-D]?)('?)$/.exec(text)
  if (match === null) throw new Error(`\`${text}\` is no version`)
  const writer = 2 * WRITERS.indexOf(match[3]!) + match[4]!.length
  return Version.of(Number(match[1]), Number(match[2] ?? 0), writer)
}

export function textOf(text: string): Text | null {
  return text === 'gone' ? null : { bytes: text.length, text }
}

/** `x@20`, `x@30/20`; a number is what an increment came to. */
export function readRecord(text: string, request: Version | null): HeldRecord {
  const match = /^(\w+)@([^/]+)(?:\/(.+))?$/.exec(text)
  if (match === null) throw new Error(`\`${text}\` is no record`)
  const ballot = readVersion(match[2]!)
  if (match[1] === 'nothing') return { ...NEVER, ballot }
  const version = match[3] === undefined ? ballot : readVersion(match[3])
  const sum = /^\d+$/.test(match[1]!) ? BigInt(match[1]!) : null
  return { ballot, version, request: request ?? version, value: textOf(match[1]!), expiresAtMs: 0, sum }
}

export function writtenRecord(record: HeldRecord): string {
  if (isAbsent(record)) {
    return isEqual(record.ballot, ZERO) ? 'nothing' : `nothing@${writtenVersion(record.ballot)}`
  }
  const { ballot, version } = record
  const place = isEqual(ballot, version) ? '' : `/${writtenVersion(version)}`
  return `${writtenValue(record)}@${writtenVersion(ballot)}${place}`
}

function writtenValue({ value, sum }: HeldRecord): string {
  if (value === null) return 'gone'
  if (value === undefined) return sum === null ? '' : String(sum)
  const { text, table } = value as Partial<Text & LayoutValue>
  return text ?? `layout${table!.epoch}`
}

export function writtenVerdict(verdict: Verdict): string {
  return nameOf(VERDICT, verdict)
}

type Pledged = Pick<Promised, 'verdict' | 'record' | 'evidence' | 'isForgetful'>

/** What it holds, what it held of the request, and whether it may have held more. */
export function writtenPromise(
  { verdict, record, evidence, isForgetful }: Pledged,
  request: Version,
): string {
  if (verdict !== VERDICT.held) return writtenVerdict(verdict)
  const held = evidence.map(({ ballot, sum }) => writtenVersion(ballot) + (sum === null ? '' : ` as ${sum}`))
  const parts = [writtenRecord(record)]
  if (held.length > 0) parts.push(`held ${held.join(' and ')}`)
  if (isForgetful && !request.isZero()) parts.push('forgetful')
  return parts.join(', ')
}

export function writtenOutcome(outcome: Outcome, reason: Reason): string {
  const what = nameOf(OUTCOME, outcome)
  return reason === REASON.none ? what : `${what} (${nameOf(REASON, reason)})`
}

function nameOf(names: Readonly<Record<string, number>>, number: number): string {
  for (const [name, value] of Object.entries(names)) {
    if (value === number) return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
  }
  throw new Error(`${number} has no name`)
}
