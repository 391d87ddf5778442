/** What the disk takes when it is written to in the simplest way: `dd` in blocks of 1 MB, then fdatasync. */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { BenchmarkError } from '../benchmark-error.ts'

export function diskMegabytesPerSecond(directory: string, megabytes: number): number {
  const file = join(directory, '..', `dd-${process.pid}`)
  const args = ['if=/dev/zero', `of=${file}`, 'bs=1M', `count=${megabytes}`, 'conv=fdatasync']
  try {
    const start = performance.now()
    const { status, stderr } = spawnSync('dd', args, { encoding: 'utf8' })
    if (status !== 0) throw new BenchmarkError('BENCH_MISSING', `dd failed: ${stderr?.trim()}`)
    return (megabytes * 2 ** 20) / 1e6 / ((performance.now() - start) / 1000)
  } finally {
    rmSync(file, { force: true })
  }
}
