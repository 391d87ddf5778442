/**
 * `pnpm bench cluster`: three nodes of minivault as one cluster, beside a single node and beside three
 * members of etcd, all on this machine; how soon all members show a write; and what it takes to heal one that
 * was away.
 */

import { runFacts } from '../cases.ts'
import { lines, pageOf, writeBetweenMarkers } from '../page.ts'
import { keepResult, lastRun } from '../results-file.ts'
import { failedLines, Run } from '../run.ts'
import { requireEtcd } from '../servers/etcd-server.ts'
import { buildMinivault } from '../servers/minivault-server.ts'
import { measureGroup } from './case-part.ts'
import { type ClusterOptions, HELP, readClusterOptions } from './cluster-options.ts'
import { measureConvergence } from './converge-part.ts'
import type { ClusterFacts, ClusterResult } from './figures.ts'
import { measureHealing } from './heal-part.ts'
import { measureIncidents } from './incident-part.ts'
import { measureJoin } from './join-part.ts'
import { groupCases } from './plan.ts'
import { measureRegions } from './regions-part.ts'
import {
  CASE_COLUMNS,
  CONVERGE_COLUMNS,
  caseTable,
  clusterHeader,
  convergeTable,
  HEAL_COLUMNS,
  healTable,
  INCIDENT_COLUMNS,
  incidentTable,
  JOIN_COLUMNS,
  joinTable,
  REGIONS_COLUMNS,
  regionsTable,
} from './report.ts'
import { clusterTargetTable } from './targets.ts'

const NAME = 'cluster'

export async function runCluster(words: string[]): Promise<void> {
  const options = readClusterOptions(words)
  if (options === null) {
    process.stdout.write(HELP)
    return
  }
  if (options.render) return render()
  const facts: ClusterFacts = { etcdVersion: requireEtcd(), ...runFacts(options) }
  await buildMinivault()
  process.stdout.write(clusterHeader(facts))
  const run = new Run<ClusterResult>((result) => {
    if (options.complete) keepResult(NAME, facts, result)
  })
  await measure(options, run)
  process.stdout.write(`\n${clusterTargetTable(run.results, options.complete)}`)
  if (options.complete) render()
  if (run.hasFailed) process.exitCode = 1
}

async function measure(options: ClusterOptions, run: Run<ClusterResult>): Promise<void> {
  const { parts, cases, convergeWrites, healKeys: keys, healRounds: rounds } = options
  if (parts.includes('cases')) {
    const onResult = run.table(CASE_COLUMNS)
    for (const group of groupCases(cases)) {
      const [{ durability, valueBytes }] = group as [(typeof group)[0]]
      await run.attempt(`${valueBytes} bytes at ${durability}`, () =>
        measureGroup(group, options, run, onResult),
      )
    }
  }
  if (parts.includes('converge')) {
    const onResult = run.table(CONVERGE_COLUMNS)
    await run.attempt('all members show a write', () => measureConvergence(convergeWrites, onResult))
  }
  if (parts.includes('incidents')) {
    const onResult = run.table(INCIDENT_COLUMNS)
    await run.attempt('incidents', () => measureIncidents(options.incidentSeconds, onResult))
  }
  if (parts.includes('heal')) {
    const onResult = run.table(HEAL_COLUMNS)
    await run.attempt('healing', () => measureHealing({ keys, rounds }, onResult))
  }
  if (parts.includes('join')) {
    const onResult = run.table(JOIN_COLUMNS)
    await run.attempt('a fourth joins', () => measureJoin(keys, onResult))
  }
  if (parts.includes('regions')) {
    const onResult = run.table(REGIONS_COLUMNS)
    await run.attempt('far regions', () => measureRegions(options.regionsTurnMs, onResult))
  }
}

/** Makes the page's part from the last complete run. */
function render(): void {
  const { facts, results } = lastRun<ClusterFacts, ClusterResult>(NAME)
  writeBetweenMarkers(NAME, clusterPage(facts, results))
  process.stdout.write(`written: docs/BENCHMARKS.md, benchmarks/results/${NAME}.ndjson\n`)
}

export function clusterPage(facts: ClusterFacts, results: readonly ClusterResult[]): string {
  return pageOf([
    lines(clusterHeader(facts)),
    failedLines(results),
    clusterTargetTable(results, true),
    caseTable(results),
    convergeTable(results),
    incidentTable(results),
    healTable(results),
    joinTable(results),
    regionsTable(results),
  ])
}
