/**
 * What the kernel accounts of a process: its CPU time, user and system time of all its threads, those that
 * have ended included, from /proc/<pid>/stat (fields 14 and 15 of proc(5)), counted in ticks of 10 ms, so
 * that a run of two seconds is exact to about half a percent; and its memory, from /proc/<pid>/status.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { BenchmarkError } from '../benchmark-error.ts'

/** USER_HZ, which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

/** Of all of them together. */
export function readCpuSeconds(...pids: number[]): number {
  return pids.reduce((sum, pid) => sum + cpuTicks(pid), 0) / TICKS_PER_SECOND
}

function cpuTicks(pid: number): number {
  const text = read(pid, 'stat')
  // The name in parentheses may hold spaces; the fields behind it are counted from the third.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}

/** Bytes in memory now, and the most there were since the process began or `forgetPeak`. */
export function readMemory(pid: number): { now: number; peak: number } {
  const text = read(pid, 'status')
  const kibibytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0)
  return { now: kibibytes('VmRSS') * 1024, peak: kibibytes('VmHWM') * 1024 }
}

/** From here on the peak is counted anew (proc(5), clear_refs 5). */
export function forgetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5')
  } catch (error) {
    throw new BenchmarkError('BENCH_MISSING', `/proc/${pid}/clear_refs cannot be written`, { cause: error })
  }
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch (error) {
    const message = `/proc/${pid}/${file}: no server there, or not a Linux machine`
    throw new BenchmarkError('BENCH_MISSING', message, { cause: error })
  }
}
