/**
 * What a disk remembers: files as content now and content surely on the device, names now and surely on the
 * device, and everything between as a list of changes not yet synced. `survive` plays a power cut: any subset
 * of those changes, writes torn at 512 bytes, names each on their own.
 */
export const SECTOR_BYTES = 512

/** Random numbers from a seed (mulberry32): the same seed, the same disk. */
export function seededRandom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

type Change = { kind: 'write'; at: number; bytes: Uint8Array } | { kind: 'length'; length: number }

export class MemoryFile {
  bytes = new Uint8Array(0)
  #durable = new Uint8Array(0)
  #changes: Change[] = []
  /** Whether the device lacks something that no change stands for. */
  #isLossy = false

  write(at: number, bytes: Uint8Array): void {
    this.bytes = apply(this.bytes, { kind: 'write', at, bytes })
    this.#changes.push({ kind: 'write', at, bytes })
  }

  truncate(length: number): void {
    const change: Change = { kind: 'length', length }
    this.bytes = apply(this.bytes, change)
    this.#changes.push(change)
  }

  sync(): void {
    if (this.#isLossy) for (const change of this.#changes) this.#durable = apply(this.#durable, change)
    else this.#durable = this.bytes.slice()
    this.#changes = []
  }

  /** A sync fails: what was to be written never will be, unless it is written again. */
  loseSync(): void {
    this.#isLossy = true
    this.#changes = []
  }

  survive(random: () => number): void {
    let bytes = this.#durable
    const keep = random()
    for (const change of this.#changes) {
      if (change.kind === 'length') {
        if (random() < keep) bytes = apply(bytes, change)
        continue
      }
      const end = change.at + change.bytes.length
      for (let from = change.at; from < end; ) {
        const to = Math.min(end, (Math.floor(from / SECTOR_BYTES) + 1) * SECTOR_BYTES)
        const piece = change.bytes.subarray(from - change.at, to - change.at)
        if (random() < keep) bytes = apply(bytes, { kind: 'write', at: from, bytes: piece })
        from = to
      }
    }
    this.bytes = bytes.slice()
    this.#durable = bytes.slice()
    this.#changes = []
    this.#isLossy = false
  }
}

function apply(bytes: Uint8Array, change: Change): Uint8Array<ArrayBuffer> {
  const length =
    change.kind === 'length' ? change.length : Math.max(bytes.length, change.at + change.bytes.length)
  const result = new Uint8Array(length)
  result.set(bytes.length > length ? bytes.subarray(0, length) : bytes)
  if (change.kind === 'write') result.set(change.bytes, change.at)
  return result
}

/** The names of all folders. A name's history since the last sync survives up to a place of its own. */
export class MemoryNames {
  readonly now = new Map<string, MemoryFile>()
  #histories = new Map<string, (MemoryFile | null)[]>()

  set(path: string, file: MemoryFile | null): void {
    const history = this.#histories.get(path) ?? [this.now.get(path) ?? null]
    history.push(file)
    this.#histories.set(path, history)
    if (file) this.now.set(path, file)
    else this.now.delete(path)
  }

  sync(directory: string): void {
    for (const path of [...this.#histories.keys()])
      if (parent(path) === directory) this.#histories.delete(path)
  }

  survive(random: () => number): void {
    for (const [path, history] of this.#histories) {
      const file = history[Math.floor(random() * history.length)]!
      if (file) this.now.set(path, file)
      else this.now.delete(path)
    }
    this.#histories.clear()
    for (const file of new Set(this.now.values())) file.survive(random)
  }
}

export function parent(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')))
}
