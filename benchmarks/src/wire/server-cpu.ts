/**
 * The CPU time a process has used, as the kernel accounts it: user and system time of all its threads, those
 * that have ended included, from /proc/<pid>/stat (fields 14 and 15 of proc(5)). Counted in ticks of 10 ms,
 * so a run of two seconds is exact to about half a percent.
 */
import { readFileSync } from 'node:fs'
import { BenchmarkError } from '../benchmark-error.ts'

/** USER_HZ, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

export function readCpuSeconds(pid: number): number {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch (error) {
    throw new BenchmarkError('BENCH_MISSING', `/proc/${pid}/stat: no server there, or not a Linux machine`, {
      cause: error,
    })
  }
  // The name in parentheses may hold spaces; the fields behind it are counted from the third.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}
