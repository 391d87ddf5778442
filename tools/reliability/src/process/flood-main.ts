/**
 * The process that is killed: eight writers on one embedded store, each with sixteen operations and a batch
 * on their way. What is sent and what is acknowledged goes to standard output (`s`; `a`, and `b` for a
 * batch), written synchronously: a line that was written is in the pipe, whatever happens to the process.
 */
import { writeSync } from 'node:fs'
import { type DurabilityName, Store } from '@minivault/storage'
import { nodeFileSystem } from '@minivault/wal'
import {
  type FloodSettings,
  isDelete,
  keyOf,
  PIPELINE,
  pairOf,
  pairValue,
  valueOfOperation,
  WRITERS,
} from './flood.ts'

/** Segments small enough to be sealed and merged within a life of a few hundred milliseconds. */
const SEGMENT_BYTES = 256 * 1024
const CACHE_BYTES = 1024 * 1024

const lyingFileSystem: typeof nodeFileSystem = {
  ...nodeFileSystem,
  datasyncSync: () => {},
  syncSync: () => {},
  syncDirectorySync: () => {},
  datasync: (_descriptor, done) => void setImmediate(done, null),
  sync: (_descriptor, done) => void setImmediate(done, null),
  syncDirectory: (_path, done) => void setImmediate(done, null),
}

function say(line: string): void {
  const bytes = Buffer.from(`${line}\n`)
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at)
    } catch (error) {
      if ((error as { code?: string }).code !== 'EAGAIN') throw error
    }
  }
}

async function write(store: Store, writer: number, first: number, durability: DurabilityName): Promise<void> {
  for (let from = first; ; from += PIPELINE) {
    say(`s ${writer} ${from} ${from + PIPELINE - 1}`)
    const singles = Array.from({ length: PIPELINE }, async (_, i) => {
      const operation = from + i
      const key = keyOf(writer, operation)
      if (isDelete(operation)) await store.delete(key, { durability })
      else await store.set(key, valueOfOperation(writer, operation), { durability })
      say(`a ${writer} ${operation}`)
    })
    const pair = pairOf(writer).map((key) => ({ type: 'set' as const, key, value: pairValue(from) }))
    await Promise.all([...singles, store.batch(pair, { durability })])
    say(`b ${writer} ${from}`)
  }
}

async function main(): Promise<void> {
  const { directory, durability, next, isLying } = JSON.parse(process.argv[2]!) as FloodSettings
  const store = await Store.open({
    directory,
    segmentBytes: SEGMENT_BYTES,
    cacheBytes: CACHE_BYTES,
    ...(isLying ? { fileSystem: lyingFileSystem } : {}),
  })
  say('ready')
  const writing = Array.from({ length: WRITERS }, (_, writer) =>
    write(store, writer, next[writer]!, durability),
  )
  await Promise.all(writing)
}

main().catch((error: unknown) => {
  // Where the disk is taken away, errors are what is right; the process waits for its end.
  say(`e ${(error as { code?: string }).code ?? error}`)
  setInterval(() => {}, 1000)
})
