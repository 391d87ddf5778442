/**
 * How long a set that was answered from memory took to be written: watches the folder's files until one of
 * them changes, and looks for the value in it. What has been written is seen by any other process.
 */
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine } from './engines/engine.ts'
import { invalid } from './measures.ts'

const QUIET_MS = 50
const GIVEN_UP_MS = 2000
const MARKER_BYTES = 64

/** Milliseconds. */
export async function writeDelay(engine: Engine, key: unknown, directory: string): Promise<number> {
  await engine.flush()
  await sleep(QUIET_MS)
  const before = changeTimes(directory)
  const marker = randomBytes(MARKER_BYTES)
  const start = performance.now()
  await engine.set(key, marker)
  while (performance.now() - start < GIVEN_UP_MS) {
    await sleep(1)
    for (const [path, time] of changeTimes(directory)) {
      if (before.get(path) === time) continue
      const delay = performance.now() - start
      if (readFileSync(path).includes(marker)) return delay
    }
  }
  throw invalid(`a set answered from memory was not written within ${GIVEN_UP_MS} ms`)
}

function changeTimes(directory: string): Map<string, number> {
  const names = readdirSync(directory, { recursive: true, withFileTypes: true })
  const paths = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return new Map(paths.map((path) => [path, statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0]))
}
