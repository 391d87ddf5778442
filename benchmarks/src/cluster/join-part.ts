/**
 * What a fourth member that joins costs: how long until it has what the layout brings it, what comes to it on
 * the wire beside the records themselves, and what an application on our client notices of it.
 */
import { rmSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '@minivault/client'
import { BenchmarkError } from '../benchmark-error.ts'
import { KEY_BYTES } from '../load/language.ts'
import { DATA_PARENT } from '../machine.ts'
import { proxiedAddresses, trioPlansAt } from '../servers/minivault-trio.ts'
import { freshFolder, HOST } from '../servers/server.ts'
import { Member, Trio } from '../servers/trio.ts'
import { Callers } from './callers.ts'
import type { JoinResult } from './figures.ts'
import { fill } from './fill.ts'
import { MemberProxies } from './member-proxy.ts'

const DURABILITY = 'os'
const VALUE_BYTES = 1024
const MEMBERS = 3
/** Less than the machine could do: what is looked for is what the change takes from others. */
const CALLERS = 8
const PAUSE_MS = 10
const QUIET_MS = 10_000
const LOOK_MS = 200
const JOINED_WITHIN_MS = 900_000

export async function measureJoin(keys: number, onResult: (result: JoinResult) => void): Promise<void> {
  const [joining, ...rest] = await proxiedAddresses(1 + MEMBERS)
  const { port, publicPort } = joining!
  const addresses = rest.map((address) => ({ ...address, publicPort: address.port }))
  using proxies = await MemberProxies.start([joining!])
  const plans = trioPlansAt([...addresses, joining!], DURABILITY)
  // Ready it is when it has taken over its share.
  const plan = { ...plans.at(-1)!, readyWithinMs: JOINED_WITHIN_MS }
  const fourth = new Member(plan, freshFolder(DATA_PARENT))
  try {
    await using trio = await Trio.start(trioPlansAt(addresses, DURABILITY), DATA_PARENT)
    await fill(trio, keys, VALUE_BYTES)
    await using client = Client.open(`minivault://${trio.ports.map((one) => `${HOST}:${one}`).join(',')}`)
    const callers = new Callers(client, { callers: CALLERS, keys, pauseMs: PAUSE_MS })
    await sleep(QUIET_MS / 2)
    callers.count()
    await sleep(QUIET_MS)
    const quiet = callers.times()
    const starting = fourth.start()
    starting.catch(() => {})
    await untilUp(port)
    const bytesBefore = proxies.bytes
    callers.count()
    const startedMs = performance.now()
    const { copies } = await add(trio.ports[0]!, `${HOST}:${publicPort}`)
    await untilSettled(trio.ports[0]!)
    const seconds = (performance.now() - startedMs) / 1000
    const bytes = proxies.bytes - bytesBefore
    await starting
    await callers.stop()
    const { operations, failed, firstFailure } = callers
    const neededBytes = Math.round((keys * copies * (KEY_BYTES + VALUE_BYTES)) / PARTITIONS)
    const shape = { keys, valueBytes: VALUE_BYTES, durability: DURABILITY, copies } as const
    const noticed = { operations, failed, firstFailure, quiet, joining: callers.times() }
    onResult({ part: 'join', ...shape, seconds, bytes, neededBytes, ...noticed })
  } finally {
    await fourth.stop('SIGKILL')
    rmSync(fourth.directory, { recursive: true, force: true })
  }
}

const PARTITIONS = 1024

/** It answers; ready it is when it is a member. */
async function untilUp(port: number): Promise<void> {
  for (;;) {
    const isUp = await fetch(`http://${HOST}:${port}/-/livez`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isUp) return
    await sleep(LOOK_MS)
  }
}

async function add(port: number, name: string): Promise<{ copies: number }> {
  const body = JSON.stringify({ add: [{ name }] })
  const answer = await fetch(`http://${HOST}:${port}/-/admin/layout`, { method: 'POST', body })
  if (answer.status !== 202) throw new BenchmarkError('BENCH_INVALID', `not added: ${await answer.text()}`)
  return (await answer.json()) as { copies: number }
}

async function untilSettled(port: number): Promise<void> {
  const giveUpMs = performance.now() + JOINED_WITHIN_MS
  for (;;) {
    const answer = await fetch(`http://${HOST}:${port}/-/admin/layout`)
    const { epoch, phase } = (await answer.json()) as { epoch: number; phase: string }
    if (epoch > 1 && phase === 'settled') return
    if (performance.now() > giveUpMs) throw new BenchmarkError('BENCH_INVALID', 'it has not joined in time')
    await sleep(LOOK_MS)
  }
}
