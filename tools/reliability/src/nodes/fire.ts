/** What happens to the members while clients work: a plan of spells, and now and then a kill -9. */
import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '@minivault/wal/testing'
import { drawSpells } from './network-plan.ts'
import { MEMBERS, type ThreeNodes } from './three-nodes.ts'

/** One case in so many has a kill, too. */
const KILL_EVERY = 3
const DEAD_MS_MAX = 400
const READY_TIMEOUT_MS = 60_000

/** Ends when the network is whole and all members vote. */
export async function burn(nodes: ThreeNodes, seed: number, durationMs: number): Promise<void> {
  const startedMs = performance.now()
  const until = (atMs: number) => sleep(Math.max(0, startedMs + atMs - performance.now()))
  const killing = seed % KILL_EVERY === 0 ? kill(nodes, seed, durationMs) : Promise.resolve()
  // Also where the rest breaks: nobody may be left dead.
  killing.catch(() => {})
  try {
    for (const { atMs, forMs, troubles } of drawSpells(seed, MEMBERS.length, durationMs)) {
      await until(atMs)
      nodes.network.trouble(troubles)
      await until(atMs + forMs)
      nodes.network.heal()
    }
  } finally {
    nodes.network.heal()
    await killing
  }
  await nodes.voting(READY_TIMEOUT_MS)
}

async function kill(nodes: ThreeNodes, seed: number, durationMs: number): Promise<void> {
  const random = seededRandom(seed)
  const member = Math.floor(random() * MEMBERS.length)
  await sleep(random() * durationMs)
  await nodes.kill(member)
  await sleep(random() * DEAD_MS_MAX)
  await nodes.start(member)
}
