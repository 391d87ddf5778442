/** What an operator asks for, checked (docs/ADMIN.md). */
import { normaliseMemberName } from '@minivault/topology'
import * as v from 'valibot'
import { AdminError } from './admin-error.ts'

const NAME = v.pipe(v.string(), v.nonEmpty('is empty'))
const LIST_MAX = 1024

const FORM = v.strictObject({
  add: v.optional(
    v.pipe(
      v.array(v.strictObject({ name: NAME, region: v.optional(v.string()), zone: v.optional(v.string()) })),
      v.maxLength(LIST_MAX, `has more than ${LIST_MAX} members`),
    ),
    [],
  ),
  remove: v.optional(v.pipe(v.array(NAME), v.maxLength(LIST_MAX, `has more than ${LIST_MAX} members`)), []),
  dryRun: v.optional(v.boolean(), false),
})

export interface AddedMember {
  /** Normalised. */
  readonly name: string
  readonly region?: string | undefined
  readonly zone?: string | undefined
}

export interface LayoutRequest {
  readonly add: readonly AddedMember[]
  /** Normalised names. */
  readonly remove: readonly string[]
  readonly dryRun: boolean
}

/** Throws AdminError, and TopologyError for a name that is none. */
export function readLayoutRequest(body: Uint8Array): LayoutRequest {
  const { issues, output } = v.safeParse(FORM, jsonOf(body), { abortEarly: true })
  if (issues !== undefined) throw new AdminError('BAD_REQUEST', wordsOf(issues[0]))
  const { add, remove, dryRun } = output as v.InferOutput<typeof FORM>
  if (add.length + remove.length === 0) {
    throw new AdminError('BAD_REQUEST', 'nothing is asked for: give "add", "remove", or both')
  }
  const members = add.map((member) => ({ ...member, name: normaliseMemberName(member.name) }))
  return { add: members, remove: remove.map(normaliseMemberName), dryRun }
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    throw new AdminError('BAD_JSON', 'the body is not JSON: {"add": [{"name": "host:port"}], "remove": []}')
  }
}

function wordsOf(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue)
  return path === null ? issue.message : `${path}: ${issue.message}`
}
