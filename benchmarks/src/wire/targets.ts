/**
 * What the wire was to reach beside redis, and what it reached: one server core, 64 B, 50 connections, all
 * from one run. `must` is the line that decides; `stretch` is what was hoped for.
 */
import { type JudgedTarget, judgeRatio, targetTable, verdict } from '../report/judged-target.ts'
import { ratioOf } from '../rounds/summary.ts'
import type { CaseResult, IdleResult, LargeResult, WireCase, WireResult } from './figures.ts'
import { idleRatio, megabytes } from './report.ts'

interface RatioTarget {
  readonly wireCase: Pick<WireCase, 'operation' | 'minivault'>
  readonly what: string
  readonly measure: 'serverCpuMicrosPerOp' | 'opsPerSecond'
  /** By pipeline: must, stretch. */
  readonly wanted: Readonly<Record<number, readonly [number, number]>>
}

const RATIO_TARGETS: readonly RatioTarget[] = [
  {
    wireCase: { operation: 'get', minivault: 'memory' },
    what: 'GET, CPU an operation',
    measure: 'serverCpuMicrosPerOp',
    wanted: { 1: [1, 0.9], 16: [0.75, 0.6], 64: [0.6, 0.5] },
  },
  {
    wireCase: { operation: 'set', minivault: 'memory' },
    what: 'SET at memory / no AOF, CPU an operation',
    measure: 'serverCpuMicrosPerOp',
    wanted: { 1: [1.1, 1], 16: [1, 0.8], 64: [0.85, 0.65] },
  },
  {
    wireCase: { operation: 'set', minivault: 'os' },
    what: 'SET at os / AOF everysec, CPU an operation',
    measure: 'serverCpuMicrosPerOp',
    wanted: { 1: [1.1, 1], 16: [0.8, 0.6], 64: [0.7, 0.5] },
  },
  {
    wireCase: { operation: 'set', minivault: 'fsync' },
    what: 'SET at fsync / AOF always, ops/s',
    measure: 'opsPerSecond',
    wanted: { 1: [0.9, 1.1], 16: [1.5, 2], 64: [2, 3] },
  },
]
const VALUE_BYTES = 64
const CONNECTIONS = 50
const LARGE_RATIO_MIN = 0.7
const LARGE_GROWTH_MAX = 32e6
const IDLE_BYTES_MAX = 8 * 1024
const IDLE_RATIO_MAX = 1.2

export function judgeTargets(results: readonly WireResult[]): JudgedTarget[] {
  return [
    ...RATIO_TARGETS.flatMap((target) => judgeRatios(target, results)),
    ...(['set', 'get'] as const).flatMap((operation) => judgeLarge(operation, results)),
    ...judgeIdle(results),
  ]
}

function judgeRatios(target: RatioTarget, results: readonly WireResult[]): JudgedTarget[] {
  const { operation, minivault } = target.wireCase
  return Object.entries(target.wanted).map(([pipeline, [must, stretch]]) => {
    const result = results.find(
      (one): one is CaseResult =>
        one.part === 'load' &&
        one.operation === operation &&
        one.minivault === minivault &&
        one.pipeline === Number(pipeline) &&
        one.valueBytes === VALUE_BYTES &&
        one.connections === CONNECTIONS,
    )
    const reached = result && ratioOf(result, target.measure, 'minivault', 'redis')
    const floor = result && ratioOf(result, target.measure, 'floor', 'redis')
    const sign = target.measure === 'opsPerSecond' ? '≥' : '≤'
    const what = `${target.what}, pipeline ${pipeline}`
    return judgeRatio(what, { must, stretch, sign }, reached, floor)
  })
}

function judgeLarge(operation: 'set' | 'get', results: readonly WireResult[]): JudgedTarget[] {
  const result = results.find(
    (one): one is LargeResult => one.part === 'large' && one.operation === operation,
  )
  const name = `100 MB ${operation.toUpperCase()}`
  return [
    judgeRatio(`${name}, MB/s beside piping`, { must: LARGE_RATIO_MIN, sign: '≥' }, result?.ratio, null),
    {
      what: `${name}, memory grown`,
      must: `< ${megabytes(LARGE_GROWTH_MAX)}`,
      stretch: '',
      reached: result ? megabytes(result.grownBytes) : '',
      verdict: verdict(result && result.grownBytes < LARGE_GROWTH_MAX),
      beside: '',
    },
  ]
}

function judgeIdle(results: readonly WireResult[]): JudgedTarget[] {
  const result = results.find((one): one is IdleResult => one.part === 'idle' && one.server === 'minivault')
  return [
    {
      what: '10,000 idle connections, memory each',
      must: `≤ ${IDLE_BYTES_MAX / 1024} KB`,
      stretch: '',
      reached: result ? `${(result.bytesPerConnection / 1024).toFixed(2)} KB` : '',
      verdict: verdict(result && result.bytesPerConnection <= IDLE_BYTES_MAX),
      beside: '',
    },
    {
      what: '10,000 idle connections, p99 of the active',
      must: `≤ ${IDLE_RATIO_MAX}×`,
      stretch: '',
      reached: result ? idleRatio(result).toFixed(2) : '',
      verdict: verdict(result && idleRatio(result) <= IDLE_RATIO_MAX),
      beside: '',
    },
  ]
}

export function wireTargetTable(results: readonly WireResult[], isComplete: boolean): string {
  const titles = { what: 'minivault beside redis', beside: 'bare Node / redis' }
  return targetTable(judgeTargets(results), isComplete, titles)
}
