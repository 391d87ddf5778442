/** Three lines before the tables: what was run, where and how. */
import type { RunFacts } from '../machine.ts'

/** `against`: the rivals with their versions. */
export function runHeader(facts: RunFacts, against: string): string {
  const { cpu: model, cores, memoryGib, kernel } = facts
  const pinning = facts.pinned
    ? 'server on core 0, load generator on core 1 (taskset)'
    : 'no pinning: server and load generator share the cores'
  const minivault = `minivault ${facts.commit} on Node ${facts.nodeVersion}`
  const machine = `${model}, ${cores} cores, ${memoryGib} GiB, Linux ${kernel}`
  return (
    `${minivault} against ${against}, ${facts.date.slice(0, 10)}\n` +
    `${machine}; data folders on ${facts.fileSystem}; ${pinning}\n` +
    `${facts.roundCount} rounds of ${facts.roundSeconds} s in turns, medians\n`
  )
}
