/**
 * Row 9: the disk says EIO to one fsync or fdatasync, once (strace puts it there). The write
 * is not acknowledged, the store is read-only and says so, reads go on, and after a restart everything that
 * was acknowledged is there. The same for the node program: 503, and /health that is not ok; and where it is
 * one of three members, the others go on without it.
 */
import { spawnSync } from 'node:child_process'
import { plantedNode } from '../planted-source.ts'
import { type Answer, failingSync, ServedStore } from '../process/served-store.ts'
import type { Context, Findings, Obstacle, Row } from '../row.ts'
import { failOneMember } from './failed-sync-cluster.ts'
import { failNode } from './failed-sync-node.ts'

/** Which sync of a thread fails. The first few are those of the open. */
const WHEN = [12, 1, 2, 3, 5, 8, 20, 30, 45, 60]
const BEFORE = 5
/** So many writes seal some segments; the sync that fails is among theirs. */
const WRITES_MAX = 120

function obstacle(): Obstacle | null {
  const { status } = spawnSync('strace', ['-qq', '-o', '/dev/null', 'true'])
  if (status === 0) return null
  const isMissing = status === null
  return isMissing
    ? { kind: 'tool', why: 'strace is not installed' }
    : { kind: 'privilege', why: 'strace may not trace here' }
}

interface Case {
  when: number
  isSwallowing: boolean
}

/** Keys `k1`…`k<n>`, each with the operation of its number, acknowledged. */
class FailingStore {
  readonly #directory: string
  readonly #case: Case
  acknowledged = 0

  constructor(directory: string, test: Case) {
    this.#directory = directory
    this.#case = test
  }

  /** Null: all as it must be. */
  async run(): Promise<string | null> {
    return (await this.#before()) ?? (await this.#during()) ?? (await this.#after())
  }

  async #before(): Promise<string | null> {
    const store = new ServedStore(this.#directory)
    try {
      await store.opened()
      while (this.acknowledged < BEFORE) if (!(await this.#set(store)).ok) return 'cannot even begin'
      return null
    } finally {
      await store.kill()
    }
  }

  async #during(): Promise<string | null> {
    const { when, isSwallowing } = this.#case
    const store = new ServedStore(this.#directory, failingSync(when), isSwallowing)
    try {
      const opened = await store.opened()
      // The sync that failed was one of the open: refused with a reason is all that can be asked.
      if (!opened.ready) return typed(opened, 'open', ['STORAGE_IO', 'STORAGE_READ_ONLY', 'STORAGE_FOLDER'])
      let answer: Answer = {}
      for (let writes = 0; writes < WRITES_MAX && !answer.error; writes++) answer = await this.#set(store)
      if (!answer.error) return `a sync failed and all ${WRITES_MAX} writes were acknowledged`
      const untold = typed(answer, 'the write', ['STORAGE_READ_ONLY'])
      if (untold !== null) return untold
      const next = await this.#set(store)
      if (next.ok) return 'the next write was acknowledged: the store is not read-only'
      return typed(next, 'the next write', ['STORAGE_READ_ONLY']) ?? (await this.#readAll(store, 'read-only'))
    } finally {
      await store.kill()
    }
  }

  async #after(): Promise<string | null> {
    const store = new ServedStore(this.#directory)
    try {
      const opened = await store.opened()
      if (!opened.ready) return `does not open again: ${opened.error?.message}`
      const problem = await this.#readAll(store, 'after a restart')
      if (problem !== null) return problem
      return (await this.#set(store)).ok ? null : 'does not write again'
    } finally {
      await store.kill()
    }
  }

  async #set(store: ServedStore): Promise<Answer> {
    const n = this.acknowledged + 1
    const answer = await store.ask(`set k${n} ${n}`)
    if (answer.ok) this.acknowledged = n
    return answer
  }

  async #readAll(store: ServedStore, where: string): Promise<string | null> {
    for (let n = 1; n <= this.acknowledged; n++) {
      const { right, error } = await store.ask(`get k${n} ${n}`)
      if (!right) return `${where}: k${n} was acknowledged and is ${error?.message ?? 'lost'}`
    }
    return null
  }
}

function typed({ error }: Answer, what: string, codes: readonly string[]): string | null {
  if (error?.name === 'StorageError' && codes.includes(error.code ?? '')) return null
  return `${what} failed with ${error?.code}: ${error?.message}`
}

async function failing(context: Context, cases: number, isSwallowing: boolean): Promise<Findings> {
  const failures: string[] = []
  let acknowledged = 0
  for (let n = 0; n < cases; n++) {
    const when = WHEN[n] ?? n
    const store = new FailingStore(context.folder(), { when, isSwallowing })
    const problem = await store.run()
    acknowledged += store.acknowledged
    if (problem !== null) failures.push(`sync ${when}: ${problem}`)
    context.progress(n + 1, cases)
  }
  return { n: cases, failures, measured: `${acknowledged} writes acknowledged` }
}

const OPEN = 'fileSystem = nodeFileSystem,'
/** The same for a node. */
const SWALLOWED = {
  file: 'storage/src/opened-index.ts',
  edits: [
    [
      OPEN,
      `fileSystem = {
        ...nodeFileSystem,
        datasync: (descriptor, done) => nodeFileSystem.datasync(descriptor, () => done(null)),
        sync: (descriptor, done) => nodeFileSystem.sync(descriptor, () => done(null)),
      },`,
    ],
  ],
} as const

const ALONE = { what: 'the node program', fail: failNode }
const ONE_OF_THREE = { what: 'one of three members', fail: (folder: string) => failOneMember(folder) }

export const failedSyncRow: Row = {
  number: 9,
  claim:
    'EIO on fsync: no ack, read-only, unhealthy, reads go on, nothing lost; a cluster goes on with 2 of 3',
  cases: { smoke: 2, ci: 13, long: 502 },
  obstacle,
  async run(context, cases) {
    // Three more processes take too long for a run of three minutes.
    const nodes = context.profile === 'smoke' ? [ALONE] : [ALONE, ONE_OF_THREE]
    const { failures, measured } = await failing(context, cases - nodes.length, false)
    for (const { what, fail } of nodes) {
      const problem = await fail(context.folder())
      if (problem !== null) failures.push(`${what}: ${problem}`)
    }
    const also = nodes.map(({ what }) => what).join(' and ')
    return { n: cases, failures, measured: `${measured}; ${also}` }
  },
  controls: [
    {
      fault: 'a file system that swallows the error of a sync',
      run: (context) => failing(context, 1, true),
    },
    {
      fault: 'the same below one of three members',
      profiles: ['ci', 'long'],
      async run(context) {
        const problem = await failOneMember(context.folder(), await plantedNode(SWALLOWED, context.folder()))
        return { n: 1, failures: problem === null ? [] : [problem] }
      },
    },
  ],
}
