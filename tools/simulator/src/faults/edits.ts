/** How faults are written down: a file of the core, and what stands there instead. */
import type { PlantedFault } from '@minivault/planted'

export type Edit = readonly [find: string, replace: string]

/** Edits of one file of the core; and those of another. */
export function inCore(file: string, edits: readonly Edit[], also?: PlantedFault): PlantedFault {
  const planted = { file: `cluster/src/${file}.ts`, edits }
  return also === undefined ? planted : { ...planted, also }
}
