/**
 * Where a run took place: the commit of the tree and the machine, in one line each.
 */
import { spawnSync } from 'node:child_process'
import { cpus, release, tmpdir, totalmem } from 'node:os'

const GIBIBYTE = 2 ** 30

/** The commit, with `-dirty` where the tree differs from it elsewhere than in the results themselves. */
export function commitOf(root: string): string {
  const commit = git(root, 'rev-parse', '--short=12', 'HEAD')
  const changed = git(root, 'status', '--porcelain', '--', '.', ':!reliability.json')
  return changed === '' ? commit : `${commit}-dirty`
}

export function machineFacts(): string {
  const [cpu] = cpus()
  const memory = (totalmem() / GIBIBYTE).toFixed(1)
  const disk = said('stat', ['-f', '-c', '%T', tmpdir()])
  const parts = [
    `${cpus().length} × ${cpu?.model ?? 'unknown'}`,
    `${memory} GiB`,
    `Linux ${release()}`,
    `Node ${process.versions.node}`,
    `disk ${disk}`,
  ]
  return parts.join(', ')
}

function git(root: string, ...words: string[]): string {
  return said('git', ['-C', root, ...words])
}

function said(command: string, words: string[]): string {
  const { status, stdout } = spawnSync(command, words, { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : 'unknown'
}
