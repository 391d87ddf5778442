/**
 * How long a member that was away needs until it holds what was written meanwhile, and what it takes on the
 * wire. One key in a hundred is written while it is away. Either the others have kept hints of it, or they
 * are started again as well and have forgotten: then trees are compared.
 *
 * Members reach each other through proxies that count. What the member shows at level `one` is what it holds.
 */
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { BenchmarkError } from '../benchmark-error.ts'
import { KEY_BYTES } from '../load/language.ts'
import { DATA_PARENT } from '../machine.ts'
import { proxiedAddresses, trioPlansAt } from '../servers/minivault-trio.ts'
import { Trio } from '../servers/trio.ts'
import { spread } from '../spread.ts'
import type { HealResult } from './figures.ts'
import { fill } from './fill.ts'
import { MemberProxies } from './member-proxy.ts'
import { Probe } from './probe.ts'

const DURABILITY = 'os'
const VALUE_BYTES = 1024
const MEMBERS = 3
const DIFFERING_OF = 100
const AT_ONCE = 250
const PAUSE_MS = 20
const SENTINELS = 32
const HEALED_WITHIN_MS = 120_000

export interface HealOptions {
  readonly keys: number
  readonly rounds: number
}

export async function measureHealing(
  { keys, rounds }: HealOptions,
  onResult: (result: HealResult) => void,
): Promise<void> {
  const addresses = await proxiedAddresses(MEMBERS)
  using proxies = await MemberProxies.start(addresses)
  await using trio = await Trio.start(trioPlansAt(addresses, DURABILITY), DATA_PARENT)
  await fill(trio, keys, VALUE_BYTES)
  const differing = Math.floor(keys / DIFFERING_OF)
  const shape = {
    keys,
    differing,
    valueBytes: VALUE_BYTES,
    differingBytes: differing * (KEY_BYTES + VALUE_BYTES),
  }
  for (const by of ['hints', 'trees'] as const) {
    const found = []
    for (let round = 1; round <= rounds; round++) {
      const value = Buffer.alloc(VALUE_BYTES, `${by} ${round} `)
      found.push(await heal(trio, proxies, by, differing, value))
    }
    const seconds = spread(found.map((one) => one.seconds))
    onResult({ part: 'heal', by, ...shape, seconds, bytes: spread(found.map(({ bytes }) => bytes)) })
  }
}

async function heal(
  trio: Trio,
  proxies: MemberProxies,
  by: HealResult['by'],
  differing: number,
  value: Buffer,
): Promise<{ seconds: number; bytes: number }> {
  const away = trio.members.at(-1)!
  const others = trio.members.slice(0, -1)
  await away.stop()
  await writeAll(others[0]!.process!.port, differing, value)
  if (by === 'trees') await Promise.all(others.map((member) => member.stop()))
  const bytesBefore = proxies.bytes
  await (by === 'trees' ? trio.startAll() : away.start())
  const readyMs = performance.now()
  await untilHealed(away.process!.port, differing, value)
  // Both a connection's ends are the proxy's: each byte was counted once as it came.
  return { seconds: (performance.now() - readyMs) / 1000, bytes: proxies.bytes - bytesBefore }
}

async function writeAll(port: number, count: number, value: Buffer): Promise<void> {
  const probe = await Probe.open(port)
  for (let first = 0; first < count; first += AT_ONCE) {
    const keys = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, index) => first + index)
    await Promise.all(keys.map((key) => probe.set(key, value)))
  }
  probe.close()
}

/**
 * First some keys are waited for, asked one by one: a member that still writes down what it was brought asks
 * another one in the meantime, and that is not to be counted. Then all are asked.
 */
async function untilHealed(port: number, count: number, value: Buffer): Promise<void> {
  const probe = await Probe.open(port)
  const giveUpMs = performance.now() + HEALED_WITHIN_MS
  const untilShown = async (key: number) => {
    while (!(await probe.get(key))?.equals(value)) {
      if (performance.now() > giveUpMs) {
        const message = `after ${HEALED_WITHIN_MS / 1000} s key ${key} of ${count} is not healed`
        throw new BenchmarkError('BENCH_INVALID', message)
      }
      await sleep(PAUSE_MS)
    }
  }
  for (let key = count - 1; key >= 0; key -= Math.ceil(count / SENTINELS)) await untilShown(key)
  for (let first = 0; first < count; first += AT_ONCE) {
    const keys = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, index) => first + index)
    const shown = await Promise.all(keys.map((key) => probe.get(key)))
    for (const [index, key] of keys.entries()) if (!shown[index]?.equals(value)) await untilShown(key)
  }
  probe.close()
}
