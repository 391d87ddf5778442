/**
 * A simulated machine: a disk that can lose its power, time that moves a millisecond a turn, and the one
 * store that runs on it. The same seed gives the same run. A crash takes the store and all its timers; a
 * restart keeps what the disk kept.
 */
import { type DurabilityName, Store, type StoreOptions } from '@minivault/storage'
import { ManualScheduler, type MemoryFileSystem, seededRandom } from '@minivault/wal/testing'

/** Turns until a promise counts as stuck; the later ones wait for real threads as well. */
const TURNS_MAX = 6000
const TURNS_EAGER = 4000

export const DIRECTORY = '/data'

export type MachineOptions = Omit<
  StoreOptions,
  'directory' | 'fileSystem' | 'scheduler' | 'random' | 'now' | 'processes'
>

/** The class `Store`, or one with a planted fault. */
export type Engine = Pick<typeof Store, 'open'>

export const SMALL: MachineOptions = {
  segmentBytes: 4096,
  windowBytes: 8192,
  cacheBytes: 1 << 20,
  autoMerge: false,
}

export class Machine {
  readonly disk: MemoryFileSystem
  /** Wall milliseconds. */
  nowMs = 1_700_000_000_000
  readonly #options: MachineOptions
  readonly #engine: Engine
  #scheduler = new ManualScheduler()
  #opens = 0

  constructor(disk: MemoryFileSystem, options: MachineOptions = SMALL, engine: Engine = Store) {
    this.disk = disk
    this.#options = options
    this.#engine = engine
  }

  open(directory = DIRECTORY): Promise<Store> {
    const bits = seededRandom(++this.#opens)
    return this.until(
      this.#engine.open({
        ...this.#options,
        directory,
        fileSystem: this.disk,
        scheduler: this.#scheduler,
        random: (n) => Uint8Array.from({ length: n }, () => Math.floor(bits() * 256)),
        now: () => this.nowMs,
        processes: this.#processes(this.#opens),
      }),
    )
  }

  /** Each open is a process of its own on this machine; what died in a crash is not alive. */
  #processes(pid: number): NonNullable<StoreOptions['processes']> {
    return { pid, host: 'machine', startOf: () => 'boot', isAlive: (other) => other === pid }
  }

  /** Waits for the promise or for the crash. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false
    const mark = () => void (isSettled = true)
    promise.then(mark, mark)
    for (let turn = 0; turn < TURNS_MAX && !isSettled && !this.disk.crashed; turn++) {
      await this.turn()
      if (turn > TURNS_EAGER) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    if (this.disk.crashed) throw new Error('the machine has crashed')
    if (!isSettled) throw new Error('never settled')
    return promise
  }

  async turn(): Promise<void> {
    this.#scheduler.endTurn()
    this.#scheduler.advance(1)
    await new Promise(setImmediate)
  }

  /**
   * What the dead process still had in its queues comes to nothing; then the machine is back. With a seed the
   * power was cut, and the seed chooses what survived; without one only the process died.
   */
  async restart(seed?: number): Promise<void> {
    this.disk.crashed = true
    for (let turn = 0; turn < 3; turn++) await this.turn()
    this.#scheduler = new ManualScheduler()
    this.disk.restart(seed)
  }
}

export const LEVEL_NAMES: readonly DurabilityName[] = ['memory', 'os', 'fsync']
