/** What a figure must be read with: commit, date, machine, versions. */
import { execFileSync } from 'node:child_process'
import { availableParallelism, cpus, release, tmpdir, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '')

/** Where the programs under measurement get their folders. */
export const DATA_PARENT = tmpdir()

export interface MachineFacts {
  /** Short commit id, with `+` when the programs differ from it. */
  readonly commit: string
  readonly date: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGib: number
  readonly kernel: string
  /** Of the data folders: on tmpfs an fsync costs nothing and says nothing. */
  readonly fileSystem: string
  readonly nodeVersion: string
}

/** What a run of rounds must be read with. */
export interface RunFacts extends MachineFacts {
  /** Servers on one core, load generators on another. */
  readonly pinned: boolean
  readonly roundCount: number
  readonly roundSeconds: number
}

export function machineFacts(): MachineFacts {
  return {
    commit: commitId(),
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    fileSystem: fileSystemName(DATA_PARENT),
    nodeVersion: process.version,
  }
}

function commitId(): string {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  try {
    const id = git('rev-parse', '--short', 'HEAD')
    return git('status', '--porcelain', '--', ':(glob)apps/*/src/**', ':(glob)packages/*/src/**') === ''
      ? id
      : `${id}+`
  } catch {
    return 'unknown'
  }
}

function fileSystemName(directory: string): string {
  try {
    const args = ['--file-system', '--format=%T', directory]
    return execFileSync('stat', args, { encoding: 'utf8' }).trim()
  } catch {
    return 'an unknown file system'
  }
}
