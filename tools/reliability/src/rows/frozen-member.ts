/**
 * Row 18: one of three real members is frozen (SIGSTOP), or its disk takes 300 ms for every sync, while an
 * application works with the client that is shipped: no operation fails, and 99 of 100 take at most 100 ms.
 */
import { spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { ShippedClients, type Suffered } from '../nodes/shipped-clients.ts'
import { MEMBERS, ThreeNodes } from '../nodes/three-nodes.ts'
import type { Context, Findings, Profile, Row } from '../row.ts'

const FROZEN_MS: Readonly<Record<Profile, number>> = { smoke: 2500, ci: 10_000, long: 120_000 }
const BEFORE_MS = 300
const P99_MS_MAX = 100
const SLOW_DISK = 'inject=fdatasync,fsync:delay_enter=300000'
const TROUBLED = 1

function problemsOf(what: string, { operations, failed, p99 }: Suffered): string[] {
  const problems =
    failed.length === 0 ? [] : [`${what}: ${failed.length} of ${operations} failed: ${failed[0]}`]
  if (p99 > P99_MS_MAX) problems.push(`${what}: p99 ${Math.round(p99)} ms`)
  return problems
}

/** @param asked which members the clients know of */
async function freeze(context: Context, asked: readonly number[]): Promise<Suffered> {
  const nodes = await ThreeNodes.start({ folder: context.folder() })
  try {
    const clients = new ShippedClients(asked.map((member) => nodes.network.nameOf(member)))
    return await clients.during(async () => {
      await sleep(BEFORE_MS)
      nodes.process(TROUBLED).freeze()
      await sleep(FROZEN_MS[context.profile])
      nodes.process(TROUBLED).thaw()
    })
  } finally {
    await nodes.close()
  }
}

async function slowDisk(context: Context): Promise<Suffered> {
  const under = ['strace', '-f', '-qq', '--seccomp-bpf', '-o', '/dev/null', '-e', 'trace=fdatasync,fsync']
  const underOf = (member: number) => (member === TROUBLED ? [...under, '-e', SLOW_DISK] : [])
  const nodes = await ThreeNodes.start({ folder: context.folder(), underOf })
  try {
    const clients = new ShippedClients(MEMBERS.map((member) => nodes.network.nameOf(member)))
    return await clients.during(() => sleep(FROZEN_MS[context.profile]))
  } finally {
    await nodes.close()
  }
}

function figures(what: string, { operations, p50, p99, max }: Suffered): string {
  return `${what}: ${operations} operations, p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, longest ${max.toFixed(0)} ms`
}

async function run(context: Context, cases: number): Promise<Findings> {
  const failures: string[] = []
  const measured: string[] = []
  const add = (what: string, suffered: Suffered) => {
    failures.push(...problemsOf(what, suffered))
    measured.push(figures(what, suffered))
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
  claim: 'one member frozen, or its disk at 300 ms: 0 failed operations with our client, p99 at most 100 ms',
  cases: { smoke: 1, ci: 2, long: 6 },
  obstacle() {
    const { status } = spawnSync('strace', ['-qq', '-o', '/dev/null', 'true'])
    return status === 0 ? null : { kind: 'tool', why: 'strace is not installed, or may not trace here' }
  },
  run,
  controls: [
    {
      fault: 'clients that know the frozen member alone, and do not ask it for others',
      run: async (context) => {
        const suffered = await freeze(context, [TROUBLED])
        return { n: suffered.operations, failures: problemsOf('frozen', suffered).slice(0, 1) }
      },
    },
  ],
}
