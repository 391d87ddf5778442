/**
 * Ways to copy bytes, ns per copy by length: where the thresholds of src/copy-bytes.ts come from.
 *
 *     node --import=tsx --conditions=minivault:source packages/codec/bench/copy.ts
 */
const memory = Buffer.alloc(1 << 20, 1)
const other = Buffer.alloc(1 << 20)
const source = new Uint8Array(memory.buffer, memory.byteOffset, memory.length)
const target = new Uint8Array(other.buffer, other.byteOffset, other.length)

function loop(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  const length = end - start
  for (let i = 0; i < length; i++) to[at + i] = from[start + i]!
}

const ways: Record<string, (start: number, end: number) => void> = {
  loop: (start, end) => loop(source, start, end, target, 128),
  'set(subarray)': (start, end) => target.set(source.subarray(start, end), 128),
  'Buffer.copy': (start, end) => void memory.copy(other, 128, start, end),
  'loop in place': (start, end) => loop(target, start, end, target, 700_000),
  copyWithin: (start, end) => void target.copyWithin(700_000, start, end),
}

const table: Record<string, Record<number, number>> = {}
for (const [name, copy] of Object.entries(ways)) {
  const row: Record<number, number> = {}
  table[name] = row
  for (const length of [8, 16, 32, 48, 64, 96, 128, 192, 256, 512, 1024, 8192, 65_536]) {
    const n = Math.max(200, Math.min(200_000, Math.floor(20_000_000 / (length + 100))))
    let best = Number.POSITIVE_INFINITY
    for (let round = 0; round < 7; round++) {
      const from = process.hrtime.bigint()
      for (let i = 0; i < n; i++) {
        const start = (i * 77) & 0x7ffff
        copy(start, start + length)
      }
      best = Math.min(best, Number(process.hrtime.bigint() - from) / n)
    }
    row[length] = Math.round(best)
  }
}
console.log(`node ${process.version}, ns per copy by length in bytes`)
console.table(table)
