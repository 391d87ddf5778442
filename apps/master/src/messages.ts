/**
 * What workers and the master say to each other, and the check of what comes from the other side. Heartbeat
 * and registration are one: whoever says each second that it is there is registered.
 */
import { type Member, normaliseMemberName, sortMembers, TopologyError } from '@minivault/topology'
import * as v from 'valibot'

const memberShape = v.object({
  name: v.pipe(v.string(), v.maxLength(255)),
  region: v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,63}$/, 'a region has 1 to 63 of a-z, 0-9 and -')),
  zone: v.pipe(v.string(), v.regex(/^[a-z0-9-]{0,63}$/, 'a zone has 0 to 63 of a-z, 0-9 and -')),
})
const id = v.pipe(v.string(), v.regex(/^[0-9a-f]{1,64}$/, 'an id is hexadecimal'))
const epoch = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffffffff))
const mode = v.picklist(['federated', 'stretched'])
const replicas = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(7))

const foundingShape = v.object({
  members: v.pipe(v.array(memberShape), v.minLength(1), v.maxLength(1024)),
  mode,
  replicas,
})

/** With whom a cluster begins, and how. */
export type Founding = v.InferOutput<typeof foundingShape>

const reportShape = v.object({
  ...memberShape.entries,
  /** Of its data folder. */
  nodeId: id,
  /** Null: it belongs to none yet. */
  clusterId: v.nullable(id),
  /** Of the layout it goes by; 0: none. */
  epoch,
  /** That layout has it. */
  isMember: v.boolean(),
  /** Its ports speak TLS. */
  isSecure: v.boolean(),
  /** What a master told it that has not begun yet; null: nothing, or it has. */
  founding: v.nullable(foundingShape),
})

/** What a worker says of itself, each second. */
export type WorkerReport = v.InferOutput<typeof reportShape>

export const WORKER_STATES = ['collecting', 'founding', 'member', 'joining', 'refused'] as const
export type WorkerState = (typeof WORKER_STATES)[number]

const replyShape = v.object({
  state: v.picklist(WORKER_STATES),
  mode,
  replicas,
  /** Whom to begin with, or to ask for the cluster; empty: nobody is known yet. */
  members: v.array(memberShape),
  heartbeatMs: v.pipe(v.number(), v.minValue(10), v.maxValue(60_000)),
  /** What is wrong, in one line. */
  error: v.optional(v.string()),
})

export type MasterReply = v.InferOutput<typeof replyShape>

const layoutShape = v.object({
  clusterId: id,
  epoch,
  phase: v.string(),
  mode,
  replicas,
  home: v.optional(v.string(), ''),
  members: v.array(memberShape),
})

/** What a worker says of its layout. */
export type LayoutReport = v.InferOutput<typeof layoutShape>

/** A message that is none: one line that says where. */
export class MessageError extends Error {
  override readonly name = 'MessageError'
}

/** With the name in its one spelling. Throws MessageError. */
export function readReport(value: unknown): WorkerReport {
  const report = parse(reportShape, value)
  try {
    const { name } = sortMembers([report])[0]!
    return { ...report, name }
  } catch (error) {
    if (error instanceof TopologyError) throw new MessageError(error.message)
    throw error
  }
}

/** Throws MessageError. */
export function readReply(value: unknown): MasterReply {
  return parse(replyShape, value)
}

/** Throws MessageError. */
export function readLayout(value: unknown): LayoutReport {
  return parse(layoutShape, value)
}

/** Only what a member is. */
export function memberOf({ name, region, zone }: Member): Member {
  return { name, region, zone }
}

/** `http(s)://host:port`, where a member answers HTTP. */
export function urlOf(name: string, isSecure: boolean): string {
  const normal = normaliseMemberName(name)
  return /^https?:/.test(normal) ? normal : `${isSecure ? 'https' : 'http'}://${normal}`
}

function parse<Shape extends v.GenericSchema>(shape: Shape, value: unknown): v.InferOutput<Shape> {
  const result = v.safeParse(shape, value)
  if (result.success) return result.output
  const [issue] = result.issues
  throw new MessageError(`${v.getDotPath(issue) ?? 'the message'}: ${issue.message}`)
}
