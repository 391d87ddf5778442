/**
 * Rounds that take turns (minivault, its rival, the others, minivault, …), so that what the machine does
 * meanwhile hits all; while one server is measured the others idle.
 *
 * A server's CPU counts from the beginning of its round to the beginning of its next one: what it puts off
 * until nobody asks (files to be synced, hints, merges) is in its account.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { LoadFigures } from '../load/load-figures.ts'
import type { Server } from '../servers/server.ts'
import { readCpuSeconds } from '../servers/server-process.ts'
import { type Measured, type RoundFigures, summarise, withAfterwards } from './summary.ts'

/** Behind the last round, so that its later work counts as well. */
const AFTERWARDS_MS = 300

/** A server and the way it is asked. Two of them may share a server. */
export interface Runner<Name extends string> {
  readonly name: Name
  readonly server: Server
  readonly measure: (seconds: number) => Promise<LoadFigures>
}

export async function measureRounds<Name extends string>(
  runners: readonly Runner<Name>[],
  roundCount: number,
  seconds: number,
): Promise<Measured<Name>> {
  const rounds = new Map<Name, RoundFigures[]>(runners.map(({ name }) => [name, []]))
  /** By server: who was measured last, and its CPU then. */
  const last = new Map<Server, { name: Name; cpuSeconds: number }>()
  const countAfterwards = (server: Server) => {
    const before = last.get(server)
    if (before === undefined) return
    const list = rounds.get(before.name)!
    const afterwards = readCpuSeconds(server.pid) - before.cpuSeconds
    list.push(withAfterwards(list.pop()!, afterwards))
  }
  for (let round = 0; round < roundCount; round++) {
    for (const { name, server, measure } of runners) {
      countAfterwards(server)
      const figures = await measure(seconds)
      rounds.get(name)!.push(withAfterwards(figures, 0))
      last.set(server, { name, cpuSeconds: readCpuSeconds(server.pid) })
    }
  }
  await sleep(AFTERWARDS_MS)
  for (const server of last.keys()) countAfterwards(server)
  const summaries = new Map([...rounds].map(([name, list]) => [name, summarise(list)]))
  return { summaries: byName(summaries), rounds: byName(rounds) }
}

function byName<Name extends string, Value>(values: ReadonlyMap<Name, Value>): Partial<Record<Name, Value>> {
  return Object.fromEntries(values) as Partial<Record<Name, Value>>
}
