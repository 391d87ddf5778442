/** How many descriptors a process here may have: a node raises its own limit to the hard one at its start. */
import { readFileSync } from 'node:fs'
import type { Obstacle } from '../row.ts'

export function descriptorObstacle(needed: number): Obstacle | null {
  const limits = readFileSync('/proc/self/limits', 'utf8')
  const hard = Number(/^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY)
  if (hard >= needed) return null
  return { kind: 'privilege', why: `a process may open ${hard} descriptors here, ${needed} are needed` }
}
