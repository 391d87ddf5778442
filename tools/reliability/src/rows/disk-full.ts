/**
 * Row 8: a disk that fills up, for real: a small tmpfs. The write that finds no room gets a clear error,
 * reads go on, and once space returns writes go on by themselves, without a reopen. What was acknowledged is
 * there all the time and after a restart.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Store } from '@minivault/storage'
import { mountObstacle, Tmpfs } from '../disk/mounted-disk.ts'
import { payloadOf, print } from '../model/payload.ts'
import { type Context, type Findings, failureText, type Obstacle, type Row } from '../row.ts'

const DISK_BYTES = 12 * 1024 * 1024
const BALLAST_BYTES = 5 * 1024 * 1024
const SEGMENT_BYTES = 256 * 1024
/** The second goes to files of its own, which fill up in another way. */
const VALUE_BYTES = [6_000, 1_400_000, 300, 60_000, 250_000]
const WRITES_MAX = 30_000
const RESUME_WITHIN_MS = 5_000
const ANSWER_WITHIN_MS = 5_000
const AFTERWARDS = 20

interface Planted {
  /** Space never returns. */
  isKeepingBallast?: boolean
  around?: (store: Store) => Store
}

class FullDisk {
  readonly #disk: string
  readonly #directory: string
  readonly #valueBytes: number
  readonly #planted: Planted
  readonly #acknowledged = new Map<string, number>()
  #n = 0

  constructor(disk: string, valueBytes: number, planted: Planted) {
    this.#disk = disk
    this.#directory = join(disk, 'data')
    this.#valueBytes = valueBytes
    this.#planted = planted
  }

  get acknowledged(): number {
    return this.#acknowledged.size
  }

  /** Null: all as it must be. */
  async run(): Promise<string | null> {
    const ballast = join(this.#disk, 'ballast')
    writeFileSync(ballast, new Uint8Array(BALLAST_BYTES))
    let store = await this.#open()
    try {
      const problem = await this.#fill(store)
      if (problem !== null) return problem
      const lost = await this.#readAll(store, 'on the full disk')
      if (lost !== null) return lost
      if (!this.#planted.isKeepingBallast) rmSync(ballast)
      const stuck = await this.#resume(store)
      if (stuck !== null) return stuck
      for (let i = 0; i < AFTERWARDS; i++) await this.#set(store, 300)
      await store.close()
      store = await this.#open()
      return await this.#readAll(store, 'after a restart')
    } finally {
      await store.close().catch(() => {})
    }
  }

  async #open(): Promise<Store> {
    const store = await Store.open({
      directory: this.#directory,
      segmentBytes: SEGMENT_BYTES,
      cacheBytes: 1 << 20,
      compression: 'none',
    })
    return this.#planted.around?.(store) ?? store
  }

  async #fill(store: Store): Promise<string | null> {
    let refusal: unknown = null
    for (let i = 0; i < WRITES_MAX && refusal === null; i++) {
      refusal = await this.#set(store, this.#valueBytes).then(
        () => null,
        (error: unknown) => error,
      )
    }
    if (refusal === null) return 'the disk never became full'
    const { name, code, message } = refusal as { name?: string; code?: string; message: string }
    if (name !== 'StorageError' || code !== 'STORAGE_DISK_FULL') return `the error is ${failureText(refusal)}`
    if (!/disk is full/.test(message) || message.includes('\n')) return `not a clear line: ${message}`
    // A smaller value may still fit; what must not happen is no answer.
    const answer = this.#set(store, 300).then(
      () => 'taken',
      (error: unknown) => failureText(error),
    )
    const said = await Promise.race([answer, sleep(ANSWER_WITHIN_MS, 'nothing')])
    return said === 'taken' || said.startsWith('STORAGE_DISK_FULL') ? null : `the next write said ${said}`
  }

  async #resume(store: Store): Promise<string | null> {
    const until = performance.now() + RESUME_WITHIN_MS
    let said = ''
    while (performance.now() < until) {
      try {
        await this.#set(store, this.#valueBytes)
        return null
      } catch (error) {
        said = failureText(error)
      }
      await sleep(50)
    }
    return `writes do not go on by themselves: ${said}`
  }

  async #set(store: Store, bytes: number): Promise<void> {
    const n = ++this.#n
    const key = `key ${n}`
    await store.set(key, payloadOf(n, bytes))
    this.#acknowledged.set(key, bytes)
  }

  async #readAll(store: Store, where: string): Promise<string | null> {
    for (const [key, bytes] of this.#acknowledged) {
      const wanted = payloadOf(Number(key.slice(4)), bytes)
      try {
        const held = await store.get(key)
        if (held === undefined) return `${where}: ${key} was acknowledged and is lost`
        if (print(held) !== print(wanted)) return `${where}: ${key} holds a wrong value`
      } catch (error) {
        return `${where}: ${key}: ${failureText(error)}`
      }
    }
    return null
  }
}

async function fillDisks(context: Context, cases: number, planted: Planted = {}): Promise<Findings> {
  const failures: string[] = []
  let acknowledged = 0
  for (let n = 0; n < cases; n++) {
    const disk = new Tmpfs(context.folder(), DISK_BYTES)
    const valueBytes = VALUE_BYTES[n] ?? 1000 + n * 777
    try {
      const full = new FullDisk(disk.path, valueBytes, planted)
      const problem = await full.run()
      acknowledged += full.acknowledged
      if (problem !== null) failures.push(`values of ${valueBytes} bytes: ${problem}`)
    } finally {
      disk.unmount()
    }
    context.progress(n + 1, cases)
  }
  return { n: cases, failures, measured: `${acknowledged} writes acknowledged` }
}

/** Says of every write that it is done, whatever the disk says. */
function hopeful(store: Store): Store {
  return new Proxy(store, {
    get(target, name) {
      if (name === 'set')
        return (...words: Parameters<Store['set']>) => target.set(...words).catch(() => ({}))
      const member = Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

function obstacle(): Obstacle | null {
  return mountObstacle(['mount', 'umount'], () => {
    const folder = mkdtempSync(join(tmpdir(), 'minivault-reliability-'))
    try {
      new Tmpfs(folder, DISK_BYTES).unmount()
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
}

export const diskFullRow: Row = {
  number: 8,
  claim: 'disk full: a clear error, reads go on, writes resume by themselves when space returns',
  cases: { smoke: 2, ci: 5, long: 200 },
  obstacle,
  run: fillDisks,
  controls: [
    {
      fault: 'space never returns',
      run: (context) => fillDisks(context, 1, { isKeepingBallast: true }),
    },
    {
      fault: 'a store that acknowledges what found no room',
      run: (context) => fillDisks(context, 1, { around: hopeful }),
    },
  ],
}
