/**
 * How long after the acknowledgement of a write every member shows it. Each write goes to another member in
 * turn; then all three are asked at level `one`, over and over, until they show it. The time ends with the
 * reply of the last, so a round trip of a question is in it.
 */
import { performance } from 'node:perf_hooks'
import { BenchmarkError } from '../benchmark-error.ts'
import { Latencies } from '../latencies.ts'
import { Generator } from '../load/generator.ts'
import { DATA_PARENT } from '../machine.ts'
import type { NodeDurability } from '../servers/minivault-server.ts'
import { minivaultTrioPlans } from '../servers/minivault-trio.ts'
import { HOST } from '../servers/server.ts'
import { Trio } from '../servers/trio.ts'
import type { ConvergeResult } from './figures.ts'
import { CONNECTIONS } from './plan.ts'
import { Probe } from './probe.ts'

const DURABILITY: NodeDurability = 'os'
const VALUE_BYTES = 1024
/** Beyond those of the load beside it. */
const FIRST_KEY = 1_000_000_000
const LOAD = { operation: 'set', valueBytes: VALUE_BYTES, keyspace: 10_000, pipeline: 1 } as const
const LOAD_SECONDS = 0.5

export async function measureConvergence(
  writes: number,
  onResult: (result: ConvergeResult) => void,
  from: 'build' | 'source' = 'build',
): Promise<void> {
  await using trio = await Trio.start(await minivaultTrioPlans(DURABILITY, from), DATA_PARENT)
  await using generator = Generator.start(null)
  const probes = await Promise.all(trio.ports.map((port) => Probe.open(port)))
  try {
    for (const isLoaded of [false, true]) {
      const load = isLoaded ? keepLoaded(generator, trio) : null
      onResult({ ...(await converge(probes, writes)), isLoaded })
      await load?.stop()
    }
  } finally {
    for (const probe of probes) probe.close()
  }
}

/** One short load after the other until it is told to stop. */
function keepLoaded(generator: Generator, trio: Trio): { stop: () => Promise<void> } {
  let isOver = false
  const target = { host: HOST, ports: trio.ports, serverPids: trio.pids, language: 'framesOfQuorum' } as const
  const run = async () => {
    while (!isOver) {
      const shape = { ...target, ...LOAD, connections: CONNECTIONS, seconds: LOAD_SECONDS }
      const { invalid } = await generator.run(shape)
      if (invalid !== null) throw new BenchmarkError('BENCH_INVALID', `the load beside it: ${invalid}`)
    }
  }
  const running = run()
  const stop = () => {
    isOver = true
    return running
  }
  return { stop }
}

async function converge(probes: readonly Probe[], writes: number): Promise<Omit<ConvergeResult, 'isLoaded'>> {
  const latencies = new Latencies()
  let shownAtOnce = 0
  for (let write = 0; write < writes; write++) {
    const value = Buffer.alloc(VALUE_BYTES)
    value.writeUInt32LE(write, 0)
    const key = FIRST_KEY + write
    await probes[write % probes.length]!.set(key, value)
    const acknowledgedMs = performance.now()
    const tries = await Promise.all(probes.map((probe) => askUntilShown(probe, key, value)))
    latencies.add(performance.now() - acknowledgedMs)
    if (tries.every((count) => count === 1)) shownAtOnce++
  }
  return {
    part: 'converge',
    durability: DURABILITY,
    writes,
    shownAtOnce,
    p50Micros: latencies.percentile(0.5),
    p99Micros: latencies.percentile(0.99),
    maxMicros: latencies.percentile(1),
  }
}

/** How often it was asked. */
async function askUntilShown(probe: Probe, key: number, value: Buffer): Promise<number> {
  for (let tries = 1; ; tries++) {
    const shown = await probe.get(key)
    if (shown?.equals(value)) return tries
  }
}
