/**
 * Row 22: every folder that an earlier version wrote opens and holds what it held; one of a newer format, of
 * another layout, or from before the first release is refused in one clear line that names both versions and
 * the way out, and left as it was.
 */
import { crc32 } from '@minivault/wal'
import { buildStore, diskOf, type Files, inspect, type SmallStore } from '../disk/damaged-store.ts'
import { GOLDEN_CASES, openGolden } from '../disk/golden-folders.ts'
import { DIRECTORY, type Engine, Machine, SMALL } from '../disk/machine.ts'
import { type PlantedFault, storageWith } from '../planted-source.ts'
import type { Context, Findings, Row } from '../row.ts'

const STORE_BYTES = 16 * 1024
const SEGMENT_HEADER_BYTES = 64

interface Case {
  what: string
  /** What the line must say besides the file: both versions, or the way out. */
  says: readonly string[]
  change(files: Files): void
}

const formatFile = `${DIRECTORY}/FORMAT`

function text(change: (before: string) => string) {
  return (files: Files) => {
    const before = Buffer.from(files.get(formatFile)!).toString()
    files.set(formatFile, Buffer.from(change(before)))
  }
}

/** Changes a file's bytes and sets the checksum in the last four of [0, end) right again. */
function sealed(name: RegExp, end: (bytes: Uint8Array) => number, change: (view: DataView) => void) {
  return (files: Files) => {
    const path = [...files.keys()]
      .filter((one) => name.test(one))
      .sort()
      .at(-1)!
    const bytes = new Uint8Array(files.get(path)!)
    const view = new DataView(bytes.buffer)
    change(view)
    const last = end(bytes) - 4
    view.setInt32(last, crc32(bytes, 0, last, 0), true)
    files.set(path, bytes)
  }
}

const ofSegment = (change: (view: DataView) => void) => sealed(/\.seg$/, () => SEGMENT_HEADER_BYTES, change)
const ofManifest = (change: (view: DataView) => void) => sealed(/manifest$/, ({ length }) => length, change)
const ofAnyFile = [
  ['a segment', ofSegment],
  ['a manifest', ofManifest],
] as const

const NEWER = ['format 2', 'reads format 1', 'newer', 'another data folder']

const REFUSED: readonly Case[] = [
  { what: 'format 2', says: NEWER, change: text((before) => before.replace('format 1', 'format 2')) },
  {
    what: 'format 2, with lines that nobody knows yet',
    says: NEWER,
    change: text(() => 'minivault data folder\nformat 2\nfeatures a b c\n'),
  },
  {
    what: 'format 4000',
    says: ['format 4000', 'reads format 1', 'newer'],
    change: text((before) => before.replace('format 1', 'format 4000')),
  },
  {
    what: 'format 0',
    says: ['format 0', 'reads format 1', 'before the first release', 'another data folder'],
    change: text((before) => before.replace('format 1', 'format 0')),
  },
  {
    what: 'another layout',
    says: ['layout 0badcafe', 'layout 35312722', 'another data folder'],
    change: text((before) => before.replace(/layout .{8}/, 'layout 0badcafe')),
  },
  {
    what: 'FORMAT with a line more',
    says: ['damaged', 'choose another folder'],
    change: text((before) => `${before}features snapshots\n`),
  },
  { what: 'FORMAT is empty', says: ['damaged', 'choose another folder'], change: text(() => '') },
  {
    what: 'FORMAT is not ours',
    says: ['not ours', 'choose another folder'],
    change: text(() => 'PG_VERSION 16\n'),
  },
  ...ofAnyFile.flatMap(([file, change]): Case[] => [
    {
      what: `${file} of version 2`,
      says: ['version 2', 'version 1', 'newer', 'choose another folder'],
      change: change((view) => view.setUint16(4, 2, true)),
    },
    {
      what: `${file} of version 0`,
      says: ['version 0', 'version 1', 'before', 'choose another folder'],
      change: change((view) => view.setUint16(4, 0, true)),
    },
    {
      what: `${file} of another layout`,
      says: ['layout 0badcafe', 'layout 35312722', 'choose another folder'],
      change: change((view) => view.setInt32(8, 0x0badcafe, true)),
    },
  ]),
]

/** What is wrong with the answer to a changed folder, or null. */
async function refuse(small: SmallStore, { says, change }: Case, engine?: Engine): Promise<string | null> {
  const files: Files = new Map(small.files)
  change(files)
  const disk = diskOf(files)
  try {
    await new Machine(disk, SMALL, engine).open()
    return 'it opened'
  } catch (error) {
    const { code, message, path } = error as { code?: string; message: string; path?: string }
    if (code !== 'STORAGE_FORMAT') return `the code is ${code}: ${message}`
    if (message.includes('\n') || message.length > 300) return `not one line: ${message}`
    const unsaid = says.filter((words) => !message.includes(words))
    if (unsaid.length > 0) return `it does not say "${unsaid.join('", "')}": ${message}`
    if (path === undefined || !message.includes(path)) return `it does not name the file: ${message}`
  }
  for (const [path, bytes] of files) {
    const now = disk.peek(path)
    if (now === undefined || Buffer.compare(now, bytes) !== 0) return `${path} was changed`
  }
  return null
}

async function refuseAll(cases: readonly Case[], engine?: Engine): Promise<Findings> {
  const failures: string[] = []
  let n = 0
  for (const isCrashed of [false, true]) {
    const small = await buildStore(STORE_BYTES, isCrashed, engine)
    const whole = await inspect(small.files, small.values, null, engine)
    if (whole.refusal !== null || whole.problem !== null) throw new Error('the unchanged folder is not right')
    for (const one of cases) {
      const problem = await refuse(small, one, engine)
      if (problem !== null) failures.push(`${one.what} (${isCrashed ? 'crashed' : 'closed'}): ${problem}`)
      n += 1
    }
  }
  return { n, failures }
}

/** Faults of a reader: planted in its source, and nothing of it is seen in folders that it wrote itself. */
export const TAKES_NEWER: PlantedFault = {
  file: 'storage/src/folder.ts',
  edits: [['if (version !== FORMAT_VERSION) return', 'if (version < FORMAT_VERSION) return']],
}

const TAKES_NEWER_SEGMENT: PlantedFault = {
  file: 'wal/src/recovery.ts',
  edits: [['header.version !== FORMAT_VERSION', 'header.version < FORMAT_VERSION']],
}

const LITTLE_ENDIAN: PlantedFault = {
  file: 'clock/src/version.ts',
  edits: [
    ['into.high = int32At(bytes, at)', 'into.high = swapped(int32At(bytes, at))'],
    [
      'export const VERSION_BYTES = 12',
      `export const VERSION_BYTES = 12
const swapped = (word: number) =>
  (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)`,
    ],
  ],
}

const TAGS_RENUMBERED: PlantedFault = {
  file: 'storage/src/record.ts',
  edits: [['TAG = { version: 1, requestId: 2,', 'TAG = { version: 2, requestId: 1,']],
}

const CODECS_SWAPPED: PlantedFault = {
  file: 'storage/src/record.ts',
  edits: [
    [
      'return (this.flags >>> CODEC_FLAG_SHIFT) as Codec',
      'return ((3 - (this.flags >>> CODEC_FLAG_SHIFT)) % 3) as Codec',
    ],
  ],
}

const EXPIRY_CUT: PlantedFault = {
  file: 'storage/src/record.ts',
  edits: [['readU32(bytes, next + 4) * 0x100000000\n', 'readU32(bytes, next + 4) * 0x10000000\n']],
}

const REFUSALS = REFUSED.length * 2
const CASES = REFUSALS + GOLDEN_CASES

async function showAll(context: Context, engine?: Engine): Promise<Findings> {
  const golden = await openGolden(context, engine)
  const refused = await refuseAll(REFUSED, engine)
  return { n: golden.n + refused.n, failures: [...golden.failures, ...refused.failures] }
}

function control(
  fault: string,
  planted: PlantedFault,
  show: (context: Context, engine: Engine) => Promise<Findings>,
) {
  return {
    fault,
    async run(context: Context) {
      const { Store: engine } = await storageWith(planted, context.folder())
      return show(context, engine)
    },
  }
}

const refuses = (_context: Context, engine: Engine) => refuseAll(REFUSED, engine)

export const dataFormatsRow: Row = {
  number: 22,
  claim: 'every older data format opens and holds what it held; a newer one is refused in one clear line',
  cases: { smoke: CASES, ci: CASES, long: CASES },
  run: (context) => showAll(context),
  controls: [
    control('a FORMAT of a newer version is taken for ours', TAKES_NEWER, refuses),
    control('a segment of a newer version is taken for ours', TAKES_NEWER_SEGMENT, refuses),
    control('ballots are read little-endian', LITTLE_ENDIAN, openGolden),
    control('two tags of a record have changed places', TAGS_RENUMBERED, openGolden),
    control('two codecs have changed places', CODECS_SWAPPED, openGolden),
    control('the upper half of an expiry counts for less', EXPIRY_CUT, openGolden),
  ],
}
