/**
 * Row 18: one of three real members is frozen (SIGSTOP), or its disk takes 300 ms for every sync, while an
 * application works with the client that is shipped: no operation fails, and 99 of 100 take at most 100 ms,
 * or four times what they took before, where the machine is too busy for that.
 */
import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { ShippedClients, type Suffered } from '../nodes/shipped-clients.ts'
import { MEMBERS, ThreeNodes } from '../nodes/three-nodes.ts'
import type { Context, Findings, Profile, Row } from '../row.ts'

const FROZEN_MS: Readonly<Record<Profile, number>> = { smoke: 2500, ci: 10_000, long: 120_000 }
const BEFORE_MS = 1000
const P99_MS_MAX = 100
/** Where the machine is so busy that it takes long without any trouble, it may take so many times as long. */
const P99_TIMES_MAX = 4
const SLOW_DISK = 'inject=fdatasync,fsync:delay_enter=300000'
const TROUBLED = 1

interface Trouble {
  readonly before: Suffered
  readonly suffered: Suffered
}

/** @param judgesTime not beside other work, in a run of a few seconds */
function problemsOf(what: string, { before, suffered }: Trouble, judgesTime: boolean): string[] {
  const { operations, failed, p99 } = suffered
  const problems =
    failed.length === 0 ? [] : [`${what}: ${failed.length} of ${operations} failed: ${failed[0]}`]
  if (judgesTime && p99 > Math.max(P99_MS_MAX, before.p99 * P99_TIMES_MAX))
    problems.push(`${what}: p99 ${Math.round(p99)} ms`)
  return problems
}

/** @param asked which members the clients know of */
async function freeze(context: Context, asked: readonly number[]): Promise<Trouble> {
  const nodes = await ThreeNodes.start({ folder: context.folder() })
  try {
    const clients = new ShippedClients(asked.map((member) => nodes.network.nameOf(member)))
    let before = clients.lap()
    const suffered = await clients.during(async () => {
      await sleep(BEFORE_MS)
      before = clients.lap()
      nodes.process(TROUBLED).freeze()
      await sleep(FROZEN_MS[context.profile])
      nodes.process(TROUBLED).thaw()
    })
    return { before, suffered }
  } finally {
    await nodes.close()
  }
}

async function slowDisk(context: Context): Promise<Trouble> {
  const under = ['strace', '-f', '-qq', '--seccomp-bpf', '-o', '/dev/null', '-e', 'trace=fdatasync,fsync']
  const underOf = (member: number) => (member === TROUBLED ? [...under, '-e', SLOW_DISK] : [])
  const nodes = await ThreeNodes.start({ folder: context.folder(), underOf })
  try {
    const clients = new ShippedClients(MEMBERS.map((member) => nodes.network.nameOf(member)))
    const before = clients.lap()
    return { before, suffered: await clients.during(() => sleep(FROZEN_MS[context.profile])) }
  } finally {
    await nodes.close()
  }
}

function figures(what: string, { before, suffered }: Trouble): string {
  const { operations, p50, p99, max } = suffered
  const latencies = `p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, longest ${max.toFixed(0)} ms`
  return `${what}: ${operations} operations, ${latencies} (p99 before ${before.p99.toFixed(1)})`
}

async function run(context: Context, cases: number): Promise<Findings> {
  const failures: string[] = []
  const measured: string[] = []
  const add = (what: string, trouble: Trouble) => {
    failures.push(...problemsOf(what, trouble, context.profile !== 'smoke'))
    measured.push(figures(what, trouble))
  }
  for (let n = 0; n < cases; n++) {
    if (n % 2 === 0) add('frozen', await freeze(context, MEMBERS))
    else add('slow disk', await slowDisk(context))
    context.progress(n + 1, cases)
  }
  return { n: cases, failures, measured: measured.join('; ') }
}

export const frozenMemberRow: Row = {
  number: 18,
  claim: 'one member frozen, or its disk at 300 ms: our client fails 0 times, p99 ≤ 100 ms or 4 × before',
  cases: { smoke: 0, ci: 2, long: 6 },
  obstacle() {
    const { status } = spawnSync('strace', ['-qq', '-o', '/dev/null', 'true'])
    return status === 0 ? null : { kind: 'tool', why: 'strace is not installed, or may not trace here' }
  },
  run,
  controls: [
    {
      fault: 'clients that know the frozen member alone',
      run: async (context) => {
        const trouble = await freeze(context, [TROUBLED])
        return { n: trouble.suffered.operations, failures: problemsOf('frozen', trouble, true).slice(0, 1) }
      },
    },
  ],
}
