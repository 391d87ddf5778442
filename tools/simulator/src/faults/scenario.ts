/**
 * A scenario of the core's tests (packages/cluster/test/scenarios), played on a core with a fault: where what
 * comes of it is not what stands there, it is red. Only up to the first fault of its own, as far as the core
 * in it is as it should be.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Core } from '../../../../packages/cluster/test/support/planted-core.ts'
import { STAGES } from '../../../../packages/cluster/test/support/stages.ts'
import { replay } from '../../../../packages/cluster/test/support/transcript.ts'

const SCENARIOS = fileURLToPath(new URL('../../../../packages/cluster/test/scenarios/', import.meta.url))
const FAULT = /^Fault in /m

/** A line of a scenario that comes out otherwise. */
export interface Difference {
  readonly line: number
  readonly wanted: string
  readonly came: string
}

/**
 * @param name such as `nodes/partition-heals`
 * @param source of the core: its folder `src`
 * @return null: it comes out as it should
 */
export async function differenceIn(name: string, source: string): Promise<Difference | null> {
  const whole = readFileSync(`${SCENARIOS}${name}.txt`, 'utf8')
  const [text] = whole.split(FAULT, 1) as [string]
  const core = await coreIn(source)
  const stageOf = STAGES[name.split('/')[0]!]!
  let played: string
  try {
    played = await replay(text, () => stageOf(core), noFolder)
  } catch (error) {
    return { line: 0, wanted: 'that it can be played', came: String(error) }
  }
  const lines = played.split('\n')
  const wanted = text.split('\n')
  const at = lines.findIndex((line, index) => line !== wanted[index])
  if (at < 0 && lines.length === wanted.length) return null
  const line = at < 0 ? lines.length : at
  return { line: line + 1, wanted: wanted[line]?.trim() ?? '', came: lines[line]?.trim() ?? '' }
}

async function coreIn(source: string): Promise<Core> {
  const load = (file: string) => import(pathToFileURL(join(source, file)).href)
  return { ...(await load('index.ts')), Trees: (await load('trees.ts')).Trees }
}

function noFolder(): string {
  throw new Error('here are no faults')
}
