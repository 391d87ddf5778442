/**
 * No store: a flat file with value after value, and one `readSync` into the same buffer a read. What a store
 * that must go to the page cache can at best take.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Engine, EngineSetting } from './engine.ts'

export async function openPread({ directory, valueBytes }: EngineSetting): Promise<Engine<number>> {
  const file = openSync(join(directory, 'values'), 'a+')
  const target = Buffer.alloc(valueBytes)
  const offsets = new Map<string, number>()
  const append = (bytes: Buffer) => {
    writeSync(file, bytes)
    return undefined
  }
  return {
    key: (bytes) => {
      const name = bytes.toString('latin1')
      if (!offsets.has(name)) offsets.set(name, offsets.size * valueBytes)
      return offsets.get(name)!
    },
    // Keys come in the order in which they were made: the flat file has no other.
    set: (_, value) => append(value),
    load: (_, values) => append(Buffer.concat(values)),
    flush: () => undefined,
    copy: (offset) => {
      readSync(file, target, 0, valueBytes, offset)
      return target
    },
    close: async () => closeSync(file),
  }
}
