/**
 * The largest value, to the node and back, beside a Node server that pipes the same bytes: from the socket
 * into a file (SET), from the file into the socket (GET). One transfer at a time, each on a fresh connection,
 * in turns. How much the node's memory grew above what it had before its first large value is the peak of
 * the kernel's account over all of them.
 */
import { BenchmarkError } from '../benchmark-error.ts'
import { Generator } from '../load/generator.ts'
import type { LargeFigures, LargeOptions } from '../load/large-load.ts'
import { DATA_PARENT } from '../machine.ts'
import { minivaultPlan } from '../servers/minivault-server.ts'
import { CORES } from '../servers/pinning.ts'
import { HOST, Server } from '../servers/server.ts'
import { forgetPeak, readMemory } from '../servers/server-process.ts'
import { type Spread, spread } from '../spread.ts'
import type { LargeResult } from './figures.ts'
import { pipePlan } from './node-servers.ts'
import type { WireOptions } from './wire-options.ts'

/** docs/PROTOCOL.md: the largest value. */
const VALUE_BYTES = 100 * 2 ** 20
/** Below the node's own files for large values, so that compiled code is there and they are not. */
const WARM_BYTES = 16 * 2 ** 10
const WARM_TRANSFERS = 200
/** Transfers are short: more of them than rounds. */
const TRANSFERS_PER_ROUND = 2

export async function measureLargeValues(
  options: WireOptions,
  pin: boolean,
  onResult: (result: LargeResult) => void,
): Promise<void> {
  const core = pin ? CORES.server : null
  await using minivault = await Server.start(minivaultPlan('os'), DATA_PARENT, core)
  await using pipe = await Server.start(pipePlan(), DATA_PARENT, core)
  await using generator = Generator.start(pin ? CORES.generator : null)
  const transfer = async (server: Server, changes: Partial<LargeOptions>) => {
    const language = server === pipe ? 'pipe' : 'documented'
    const target = { host: HOST, port: server.port, serverPid: server.pid, language } as const
    const shape = { operation: 'set', valueBytes: VALUE_BYTES, isChecked: false } as const
    const figures = await generator.transfer({ ...target, ...shape, ...changes })
    if (figures.invalid === null) return figures
    throw new BenchmarkError('BENCH_INVALID', `invalid transfer, ${server.plan.name}: ${figures.invalid}`)
  }
  for (let count = 0; count < WARM_TRANSFERS; count++) {
    for (const operation of ['set', 'get'] as const) {
      await transfer(minivault, { operation, valueBytes: WARM_BYTES })
    }
  }
  await transfer(pipe, { operation: 'set' })
  const before = readMemory(minivault.pid).now
  forgetPeak(minivault.pid)
  for (const operation of ['set', 'get'] as const) {
    const rounds: [LargeFigures, LargeFigures][] = []
    for (let round = 0; round < options.rounds * TRANSFERS_PER_ROUND; round++) {
      rounds.push([await transfer(minivault, { operation }), await transfer(pipe, { operation })])
    }
    if (operation === 'get') await transfer(minivault, { operation, isChecked: true })
    onResult(summariseTransfers(operation, rounds, readMemory(minivault.pid).peak - before))
  }
}

function summariseTransfers(
  operation: 'set' | 'get',
  rounds: readonly [LargeFigures, LargeFigures][],
  grownBytes: number,
): LargeResult {
  const over = (figure: (ours: LargeFigures, theirs: LargeFigures) => number): Spread =>
    spread(rounds.map(([ours, theirs]) => figure(ours, theirs)))
  return {
    part: 'large',
    operation,
    valueBytes: VALUE_BYTES,
    minivaultMegabytesPerSecond: over((ours) => ours.megabytesPerSecond),
    pipeMegabytesPerSecond: over((_, theirs) => theirs.megabytesPerSecond),
    ratio: over((ours, theirs) => ours.megabytesPerSecond / theirs.megabytesPerSecond),
    minivaultCpuSeconds: over((ours) => ours.serverCpuSeconds),
    pipeCpuSeconds: over((_, theirs) => theirs.serverCpuSeconds),
    grownBytes,
  }
}
