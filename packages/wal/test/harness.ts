/**
 * A log on the memory disk under a scheduler that the test moves, and the workload of the crash tests: two
 * lives of a log with rolls, a merge and clean closes. Payloads tell their number and are checked whole, so
 * that a lost or invented entry cannot hide.
 */
import { DURABILITY, Log, type LogOptions, type Replayer } from '@minivault/wal'
import { ManualScheduler, MemoryFileSystem, seededRandom } from '@minivault/wal/testing'

export const DIRECTORY = '/log'

export function payload(n: number): Uint8Array {
  const bytes = new Uint8Array(40 + ((n * 53) % 300))
  new DataView(bytes.buffer).setUint32(0, n, true)
  for (let i = 4; i < bytes.length; i++) bytes[i] = (n * 31 + i * 7) & 0xff
  return bytes
}

/** The number in a payload, or -1 when it was never written like this. */
export function numberOf(bytes: Uint8Array): number {
  const n = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true)
  return Buffer.compare(payload(n), bytes) === 0 ? n : -1
}

export class Bench {
  readonly disk: MemoryFileSystem
  readonly scheduler = new ManualScheduler()
  /** What the replay of the newest open gave. */
  seen: number[] = []
  progress = 0
  #bits = seededRandom(99)

  constructor(disk = new MemoryFileSystem()) {
    this.disk = disk
  }

  async open(options: Partial<LogOptions> = {}, replayer: Partial<Replayer> = {}): Promise<Log> {
    this.seen = []
    const opened = Log.open(
      {
        directory: DIRECTORY,
        fileSystem: this.disk,
        scheduler: this.scheduler,
        random: (n) => Uint8Array.from({ length: n }, () => Math.floor(this.#bits() * 256)),
        layoutHash: 7,
        segmentBytes: 4096,
        windowBytes: 8192,
        onProgress: () => this.progress++,
        ...options,
      },
      {
        entry: (_segment, _offset, bytes, start, end) =>
          void this.seen.push(numberOf(bytes.subarray(start, end))),
        ...replayer,
      },
    )
    return this.until(opened)
  }

  /** Moves time until the promise settles; throws when the machine has crashed. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const mark = (): void => void (settled = true)
    promise.then(mark, mark)
    for (let i = 0; i < 500 && !settled; i++) {
      this.scheduler.endTurn()
      await new Promise(setImmediate)
      if (this.disk.crashed) throw new Error('crashed')
    }
    if (!settled) throw new Error('never settled')
    return promise
  }

  /** Ends the turn and lets what it started finish. */
  async turn(): Promise<void> {
    this.scheduler.endTurn()
    await new Promise(setImmediate)
    this.scheduler.endTurn()
  }
}

export function append(log: Log, n: number): { n: number; segment: number; offset: number } {
  const bytes = payload(n)
  const at = log.reserve(bytes.length)
  log.window.set(bytes, at)
  log.commit()
  return { n, segment: log.reservedSegment, offset: log.reservedOffset }
}

/** What was confirmed before the crash, at each level. */
export interface Confirmed {
  appended: Set<number>
  written: Set<number>
  durable: Set<number>
}

export async function workload(bench: Bench, confirmed: Confirmed): Promise<void> {
  let n = 0
  for (let life = 0; life < 2; life++) {
    const log = await bench.open()
    const places: ReturnType<typeof append>[] = []
    const confirm = (): void => {
      for (const place of places) {
        if (log.isWritten(place.segment, place.offset)) confirmed.written.add(place.n)
        if (log.isDurable(place.segment, place.offset)) confirmed.durable.add(place.n)
      }
    }
    for (let round = 0; round < 8; round++) {
      for (let i = 0; i < 5; i++) {
        confirmed.appended.add(n)
        places.push(append(log, n++))
      }
      log.demand(round % 3 === 2 ? DURABILITY.os : DURABILITY.fsync)
      await bench.turn()
      confirm()
      if (bench.disk.crashed) throw new Error('crashed')
      if (round === 5) await merge(bench, log, places)
      if (round === 6) log.syncNow()
      confirm()
    }
    await bench.until(log.close())
    for (const place of places) confirmed.durable.add(place.n)
  }
}

/** Copies the entries of the oldest sealed segment that has any of this life, then drops it. */
async function merge(bench: Bench, log: Log, places: ReturnType<typeof append>[]): Promise<void> {
  await bench.until(log.settled())
  const source = log
    .segments()
    .find((segment) => segment.sealed && places.some((place) => place.segment === segment.id))
  if (!source) throw new Error('the workload has nothing to merge')
  const output = log.createOutput()
  for (const place of places) {
    if (place.segment !== source.id) continue
    const bytes = payload(place.n)
    log.readSync(place.segment, place.offset, bytes.length, bytes, 0)
    place.offset = output.append(bytes, 0, bytes.length)
    place.segment = -1
  }
  await bench.until(
    new Promise<void>((resolve, reject) => output.finish((error) => (error ? reject(error) : resolve()))),
  )
  for (const place of places) if (place.segment === -1) place.segment = output.id
  log.drop(source.id)
  await bench.turn()
}
