/**
 * Row 15: every byte string of 1 to 65,535 bytes is a key, in both forms of the binary port, over HTTP and
 * over RESP. It is written, read, listed and deleted as itself, what one has written being read by another;
 * and whatever it looks like, nothing appears outside the data folder, nor in it anything but the store's own
 * files.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeScanPage, encodeScanRequest, FRAME_FLAG, FRAME_OPCODE } from '@minivault/protocol'
import { type PlantedFault, plantedNode } from '../planted-source.ts'
import type { Context, Findings, Row } from '../row.ts'
import { differences, listFolder } from '../wire/folder-listing.ts'
import { NodeProgram } from '../wire/node-program.ts'
import { oddKeys } from '../wire/odd-keys.ts'
import { deleteRequest, FORMS, type Form, frameRequest, getRequest, setRequest } from '../wire/requests.ts'
import { WireClient } from '../wire/wire-client.ts'

/** Asked at once: less than the node's reply slots, and on one connection less than HTTP's. */
const BATCH = 200
/** Every so many keys one gets a value above the bound from which values have a file of their own. */
const LARGE_EVERY = 50
const LARGE_BYTES = 700_000
/** Names the store gives to files and folders. */
const OWN_NAME = /^[a-z0-9][a-z0-9.-]*$|^LOCK$/i

class Keys {
  readonly failures: string[] = []
  readonly #client: Record<Form, WireClient>
  readonly #keys: readonly Buffer[]

  constructor(client: Record<Form, WireClient>, keys: readonly Buffer[]) {
    this.#client = client
    this.#keys = keys
  }

  async check(progress: (done: number) => void): Promise<void> {
    // Each form reads what the other has written.
    await this.#each('set', (key, index) => this.#set(key, index))
    progress(0.3)
    await this.#each('get', (key, index) => this.#get(key, index))
    progress(0.5)
    await this.#list(this.#keys)
    progress(0.7)
    const [gone, kept] = [this.#keys.filter((_, index) => index % 2 === 0), this.#odd()]
    await this.#each('delete', (key, index) => (index % 2 === 0 ? this.#delete(key, index) : null))
    await this.#list(kept)
    await this.#each('get after delete', (key, index) => (index % 2 === 0 ? this.#absent(key, index) : null))
    if (gone.length + kept.length !== this.#keys.length) this.failures.push('keys got lost in the harness')
  }

  #odd(): Buffer[] {
    return this.#keys.filter((_, index) => index % 2 === 1)
  }

  /** In batches, each answer awaited. */
  async #each(what: string, ask: (key: Buffer, index: number) => Promise<string | null> | null) {
    for (let start = 0; start < this.#keys.length; start += BATCH) {
      const batch = this.#keys.slice(start, start + BATCH)
      const answers = await Promise.all(batch.map((key, index) => ask(key, start + index)))
      for (const [index, answer] of answers.entries()) {
        if (answer !== null) this.failures.push(`${what} of ${shown(batch[index]!)}: ${answer}`)
      }
    }
  }

  async #set(key: Buffer, index: number): Promise<string | null> {
    // As a frame a large value would come in chunks: the other form takes it in one piece.
    const isLarge = index % LARGE_EVERY === 0
    const form = isLarge && formAt(index) === 'frame' ? 'documented' : formAt(index)
    const { ok, error } = await this.#client[form].ask(setRequest(form, key, valueFor(key, index)))
    return ok ? null : `${form}: error ${error}`
  }

  async #get(key: Buffer, index: number): Promise<string | null> {
    const form = formAt(index + 1)
    const { ok, error, value } = await this.#client[form].ask(getRequest(form, key))
    if (!ok) return `${form}: error ${error}`
    // What HTTP was given as JSON is JSON for the others.
    const plain = valueFor(key, index)
    const isJson = formAt(index) === 'http' && form !== 'http'
    return value.equals(isJson ? Buffer.from(JSON.stringify(plain.toString())) : plain)
      ? null
      : `${form}: another value of ${value.length} bytes`
  }

  async #delete(key: Buffer, index: number): Promise<string | null> {
    const form = formAt(index >> 1)
    const { ok, error } = await this.#client[form].ask(deleteRequest(form, key))
    return ok ? null : `${form}: error ${error}`
  }

  async #absent(key: Buffer, index: number): Promise<string | null> {
    const form = formAt((index >> 1) + 1)
    const { ok, value } = await this.#client[form].ask(getRequest(form, key))
    return ok && value.length > 0 ? `${form}: it is still there` : null
  }

  /** SCAN gives exactly these keys. */
  async #list(wanted: readonly Buffer[]): Promise<void> {
    const found = new Set<string>()
    let cursor = new Uint8Array(0)
    for (let more = true; more; ) {
      const request = frameRequest({
        opcode: FRAME_OPCODE.scan,
        value: encodeScanRequest({ entriesMax: 1000, cursor }),
        fill: (words) => (words.flags = FRAME_FLAG.noValue),
      })
      const { ok, error, value, reply } = await this.#client.frame.ask(request)
      if (!ok) return void this.failures.push(`SCAN: error ${error}`)
      const head = decodeScanPage(value, 0, value.length, true, (entry) => {
        const key = value.toString('latin1', entry.keyStart, entry.keyEnd)
        if (found.has(key)) this.failures.push(`SCAN: ${shown(Buffer.from(key, 'latin1'))} twice`)
        found.add(key)
      })
      if (head < 0) return void this.failures.push('SCAN: a page that cannot be read')
      more = (reply!.flags & FRAME_FLAG.more) !== 0
      const cursorBytes = value.readUInt32LE(4)
      cursor = Uint8Array.from(value.subarray(8, 8 + cursorBytes))
    }
    for (const key of wanted) {
      if (!found.delete(key.toString('latin1'))) this.failures.push(`SCAN: ${shown(key)} is missing`)
    }
    for (const key of found)
      this.failures.push(`SCAN: ${shown(Buffer.from(key, 'latin1'))} was never written`)
  }
}

function formAt(index: number): Form {
  return FORMS[index % FORMS.length]!
}

function valueFor(key: Buffer, index: number): Buffer {
  const small = Buffer.from(`${index} ${key.toString('hex', 0, 40)}`)
  return index % LARGE_EVERY === 0 ? Buffer.alloc(LARGE_BYTES, small) : small
}

function shown(key: Buffer): string {
  return key.length > 60 ? `${key.toString('hex', 0, 60)}… (${key.length} bytes)` : key.toString('hex')
}

function foreignNames(directory: string): string[] {
  const paths = [...listFolder(directory, '').keys()].map((path) => path.slice(directory.length + 1))
  return paths.filter((path) => path.split('/').some((name) => !OWN_NAME.test(name)))
}

async function writeAll(context: Context, cases: number, main?: string): Promise<Findings> {
  const parent = context.folder()
  const directory = join(parent, 'deep', 'er', 'data')
  mkdirSync(directory, { recursive: true })
  for (const name of ['tmp', 'etc', join('deep', 'tmp'), join('deep', 'er', 'tmp')]) {
    mkdirSync(join(parent, name))
    writeFileSync(join(parent, name, 'passwd'), 'as it was')
  }
  const before = listFolder(parent, directory)
  const keys = oddKeys(cases, context.seed)
  const node = await NodeProgram.start({ directory, words: ['-durability', 'memory'], main })
  const clients = await Promise.all(FORMS.map((form) => WireClient.connect({ port: node.port, form })))
  const client = Object.fromEntries(FORMS.map((form, index) => [form, clients[index]!]))
  const checked = new Keys(client as Record<Form, WireClient>, keys)
  try {
    await checked.check((done) => context.progress(Math.round(cases * done), cases))
    if (node.isEnded) checked.failures.push(`the node ended: ${node.said}`)
  } finally {
    await node.stop()
  }
  const outside = differences(before, listFolder(parent, directory))
  const inside = foreignNames(directory).map((name) => `in the data folder: ${name}`)
  const withFiles = Math.ceil(keys.length / LARGE_EVERY)
  const longest = Math.max(...keys.map(({ length }) => length))
  return {
    n: keys.length,
    failures: [...outside, ...inside, ...checked.failures],
    measured: `keys of up to ${longest} bytes, ${withFiles} with files of their own`,
  }
}

/** A key is text that ends at its first zero byte. */
const ENDS_AT_ZERO: PlantedFault = {
  file: 'node/src/door/documented-session.ts',
  edits: [
    [
      'operation.begin(kind, bytes, request.keyStart, request.keyEnd, durability)',
      `const zero = bytes.indexOf(0, request.keyStart)
    if (zero > request.keyStart && zero < request.keyEnd) request.keyEnd = zero
    operation.begin(kind, bytes, request.keyStart, request.keyEnd, durability)`,
    ],
  ],
}

/** A key's percent signs are read once more. */
const DECODED_TWICE: PlantedFault = {
  file: 'node/src/http/target.ts',
  edits: [
    [
      'return bytes.subarray(0, length)',
      `const once = bytes.subarray(0, length)
  if (!once.includes(0x25) || length === text.length - start) return once
  return percentDecode(once.toString('latin1'), 0) ?? once`,
    ],
  ],
}

/** Each key that is a path gets a file there; but only within the folder that this row looks at. */
const FILE_OF_THE_NAME: PlantedFault = {
  file: 'node/src/door/documented-session.ts',
  edits: [
    [
      'import { CODEC',
      "import { writeFileSync } from 'node:fs'\nimport { resolve } from 'node:path'\nimport { CODEC",
    ],
    [
      'operation.begin(kind, bytes, request.keyStart, request.keyEnd, durability)',
      `const data = process.argv.at(-3)!
    const path = resolve(data, Buffer.from(bytes.subarray(request.keyStart, request.keyEnd)).toString())
    try {
      if (kind === KIND.set && path.startsWith(resolve(data, '../../../') + '/')) writeFileSync(path, '')
    } catch {}
    operation.begin(kind, bytes, request.keyStart, request.keyEnd, durability)`,
    ],
  ],
}

export const anyKeyRow: Row = {
  number: 15,
  claim: 'every byte string is a key on every protocol; nothing is written outside the data folder',
  cases: { smoke: 400, ci: 2_000, long: 1_000_000 },
  run: writeAll,
  controls: [
    {
      fault: 'a key ends at its first zero byte',
      run: async (context) => writeAll(context, 200, await plantedNode(ENDS_AT_ZERO, context.folder())),
    },
    {
      fault: 'HTTP decodes a key twice',
      run: async (context) => writeAll(context, 200, await plantedNode(DECODED_TWICE, context.folder())),
    },
    {
      fault: 'a file with the name of the key',
      run: async (context) => writeAll(context, 200, await plantedNode(FILE_OF_THE_NAME, context.folder())),
    },
  ],
}
