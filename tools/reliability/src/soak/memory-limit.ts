/**
 * A limit that the kernel keeps: each program started below it has a memory group of its own, of version 1 or
 * 2, what it reads and writes through the page cache included. Needs root; elsewhere there is none.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const GROUPS = '/sys/fs/cgroup'
const OF_VERSION_1 = join(GROUPS, 'memory')
const CONTROLLERS = join(GROUPS, 'cgroup.subtree_control')

export class MemoryLimit {
  readonly #path: string

  /** Null: this machine does not let us. */
  static open(name: string, bytes: number): MemoryLimit | null {
    const isFirst = existsSync(OF_VERSION_1)
    const path = join(isFirst ? OF_VERSION_1 : GROUPS, name)
    try {
      if (!isFirst && !readFileSync(CONTROLLERS, 'utf8').includes('memory')) return null
      mkdirSync(path)
      const limit = new MemoryLimit(path)
      writeFileSync(join(path, isFirst ? 'memory.limit_in_bytes' : 'memory.max'), String(bytes))
      return limit
    } catch {
      return null
    }
  }

  private constructor(path: string) {
    this.#path = path
  }

  /** A program behind these words runs within it; it keeps the process id. */
  get under(): readonly string[] {
    return ['sh', '-c', `echo $$ > ${join(this.#path, 'cgroup.procs')} && exec "$@"`, 'limited']
  }

  /** When nothing runs in it any more. */
  close(): void {
    try {
      rmdirSync(this.#path)
    } catch {
      // The kernel still counts what has just ended.
    }
  }
}
