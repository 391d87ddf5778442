/**
 * A store that does what it is told: a line `set <key> <operation>`, `get <key>` or `close` in, one line of
 * JSON out. For faults that are put under the process from outside.
 */
import { createInterface } from 'node:readline'
import { Store } from '@minivault/storage'
import { nodeFileSystem } from '@minivault/wal'
import { payloadOf, print } from '../model/payload.ts'

interface Settings {
  directory: string
  /** The planted fault: the error of a sync is swallowed. */
  isSwallowing: boolean
}

/** Small segments, so that seals and their syncs come often; values that fill them quickly. */
const SEGMENT_BYTES = 64 * 1024
const VALUE_BYTES = 3000

const swallowing: typeof nodeFileSystem = {
  ...nodeFileSystem,
  datasync: (descriptor, done) => nodeFileSystem.datasync(descriptor, () => done(null)),
  sync: (descriptor, done) => nodeFileSystem.sync(descriptor, () => done(null)),
}

function say(answer: object): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}

function refusal(error: unknown) {
  const { name, code, message } = error as { name?: string; code?: string; message?: string }
  return { error: { name, code, message } }
}

async function answer(store: Store, [command, key, operation]: string[]): Promise<object> {
  if (command === 'set') {
    await store.set(key!, payloadOf(Number(operation), VALUE_BYTES), { durability: 'fsync' })
    return { ok: true }
  }
  if (command === 'get') {
    const value = await store.get(key!)
    const right = value !== undefined && print(value) === print(payloadOf(Number(operation), VALUE_BYTES))
    return { found: value !== undefined, right }
  }
  await store.close()
  return { closed: true }
}

const { directory, isSwallowing } = JSON.parse(process.argv[2]!) as Settings

async function main(): Promise<void> {
  try {
    const fileSystem = isSwallowing ? { fileSystem: swallowing } : {}
    const store = await Store.open({
      directory,
      segmentBytes: SEGMENT_BYTES,
      cacheBytes: 1 << 20,
      ...fileSystem,
    })
    say({ ready: true })
    for await (const line of createInterface({ input: process.stdin })) {
      say(await answer(store, line.split(' ')).catch(refusal))
    }
  } catch (error) {
    say(refusal(error))
  }
}

// No await of a module's own: the one file of all of it has none.
void main()
