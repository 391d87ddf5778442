/**
 * Row 7: every byte flip and every truncation of a small store, and what the store says of it. Of a crashed
 * store only what lay below the last `syncedUpTo` is damaged: above it a bad byte is a torn tail. Not counted
 * are cuts of the last segment of a crashed log: nothing behind the cut is left to say that there was more
 * (docs/DATA_FILE.md says so).
 */

import { Store } from '@minivault/storage'
import { buildStore, type Files, inspect, type SmallStore } from '../disk/damaged-store.ts'
import type { Engine } from '../disk/machine.ts'
import { type PlantedFault, storageWith } from '../planted-source.ts'
import { type Context, type Findings, NOTICED_ENOUGH, type Row } from '../row.ts'

const STORE_BYTES = 16 * 1024
const LONG_STORE_BYTES = 256 * 1024
const BLOCK_MAGIC = 'MVWB'

class Damage {
  readonly failures: string[] = []
  n = 0
  refused = 0
  errors = 0
  readonly #engine: Engine | undefined

  constructor(engine: Engine | undefined) {
    this.#engine = engine
  }

  async try(files: Files, values: SmallStore['values'], path: string, what: string): Promise<void> {
    const { refusal, errors, problem } = await inspect(files, values, path, this.#engine)
    this.n += 1
    if (refusal !== null) this.refused += 1
    if (errors > 0) this.errors += 1
    if (problem !== null) this.failures.push(`${path}, ${what}: ${problem}`)
  }
}

interface Plan {
  bytes: number
  stride: number
  /** Flips of every bit, else one bit of each byte. */
  everyBit: boolean
  engine?: Engine
}

async function damageAll(context: Context, plan: Plan): Promise<Findings> {
  const damage = new Damage(plan.engine)
  let bytes = 0
  for (const isCrashed of [false, true]) {
    const small = await buildStore(plan.bytes, isCrashed, plan.engine)
    const whole = await inspect(small.files, small.values, null, plan.engine)
    if (whole.refusal !== null || whole.errors > 0 || whole.problem !== null) {
      throw new Error(`the undamaged store is not right: ${JSON.stringify(whole)}`)
    }
    bytes += await damageOne(context, plan, damage, small, isCrashed)
  }
  const { n, failures, refused, errors } = damage
  const measured = `${bytes} bytes of two stores; refused at open ${refused}, at a read ${errors}`
  const wanted = Math.floor((bytes * (plan.everyBit ? 8 : 1)) / plan.stride)
  return { n, wanted, failures, measured }
}

/** Returns how many bytes could be damaged. */
async function damageOne(
  context: Context,
  { stride, everyBit, engine }: Plan,
  damage: Damage,
  { files, values }: SmallStore,
  isCrashed: boolean,
): Promise<number> {
  const kind = isCrashed ? 'crashed' : 'closed'
  const total = [...files.values()].reduce((sum, file) => sum + file.length, 0)
  let done = 0
  for (const [path, bytes] of files) {
    const synced = isCrashed ? syncedBytes(files, path) : bytes.length
    const isTail = synced < bytes.length
    for (let i = context.seed % stride; i < synced; i += stride) {
      // A planted engine has shown enough with the first.
      if (engine !== undefined && damage.failures.length >= NOTICED_ENOUGH) return done
      for (let bit = everyBit ? 0 : i & 7; bit <= (everyBit ? 7 : i & 7); bit++) {
        const flipped = bytes.slice()
        flipped[i]! ^= 1 << bit
        const what = `${kind}, bit ${bit} of byte ${i}`
        await damage.try(new Map(files).set(path, flipped), values, path, what)
      }
      if (isTail) continue
      await damage.try(new Map(files).set(path, bytes.slice(0, i)), values, path, `${kind}, cut at ${i}`)
    }
    done += synced
    context.progress(done, total)
    const without = new Map(files)
    without.delete(path)
    if (!isTail) await damage.try(without, values, path, `${kind}, removed`)
  }
  return done
}

/**
 * How much of a file of a crashed store is known durable: the last block of the newest segment says it; all
 * other files are whole.
 */
function syncedBytes(files: Files, path: string): number {
  const bytes = files.get(path)!
  const last = [...files.keys()]
    .filter((name) => name.endsWith('.seg'))
    .sort()
    .at(-1)
  if (path !== last) return bytes.length
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const block = view.lastIndexOf(BLOCK_MAGIC, undefined, 'latin1')
  const number = view.readUInt32LE(12)
  return view.readUInt32LE(block + 16) === number ? Math.min(bytes.length, view.readUInt32LE(block + 20)) : 0
}

function planOf(context: Context): Plan {
  const isLong = context.profile === 'long'
  const stride = context.profile === 'smoke' ? SMOKE_STRIDE : 1
  return { bytes: isLong ? LONG_STORE_BYTES : STORE_BYTES, stride, everyBit: isLong }
}

const SMOKE_STRIDE = 10
const CONTROL_STRIDE = 97

export const NO_CHECKSUM: PlantedFault = {
  file: 'wal/src/crc32.ts',
  edits: [
    [
      'if (length <= SLICED_BYTES_MAX) return crc32Sliced(bytes, start, end, seed)',
      'if (length >= 0) return 0',
    ],
    ['module.seal(INPUT, INPUT + end - start, seed)', 'input.fill(0, 0, end - start)'],
  ],
}

/** Where the folder cannot be read it begins a new one. */
const forgiving: Engine = {
  open: (options) =>
    Store.open(options).catch(() => Store.open({ ...options, directory: `${options.directory}-anew` })),
}

export const damageRow: Row = {
  number: 7,
  claim: 'every byte flip and every truncation: the right value or a typed error, and verify names the file',
  cases: { smoke: 5000, ci: 50_000, long: 4_000_000 },
  run: (context) => damageAll(context, planOf(context)),
  controls: [
    {
      fault: 'checksums are not looked at',
      async run(context) {
        const { Store: engine } = await storageWith(NO_CHECKSUM, context.folder())
        return damageAll(context, { ...planOf(context), stride: CONTROL_STRIDE, engine })
      },
    },
    {
      fault: 'a folder that cannot be opened is taken for an empty one',
      run: (context) => damageAll(context, { ...planOf(context), stride: CONTROL_STRIDE, engine: forgiving }),
    },
  ],
}
