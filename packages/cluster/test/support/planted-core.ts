/**
 * The core, and copies of it with one fault planted in the source: what a scenario that must go wrong runs
 * on. The lines to change must stand there exactly once, so that a fault whose place has moved fails.
 */
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import * as core from '../../src/index.ts'
import { Trees } from '../../src/trees.ts'

/** What the package exports, and what stages need of its inside. */
export type Core = typeof core & { readonly Trees: typeof Trees }

export const theCore: Core = { ...core, Trees }

const SOURCE = fileURLToPath(new URL('../../src', import.meta.url))

export interface Edit {
  /** In src. */
  readonly file: string
  /** Whole lines, without what they are indented by. */
  readonly removed: readonly string[]
  readonly added: readonly string[]
}

/** @param folder an empty one inside this package, so that imports of others are found */
export async function plantedCore(edits: readonly Edit[], folder: string): Promise<Core> {
  const copy = join(folder, 'src')
  cpSync(SOURCE, copy, { recursive: true })
  for (const edit of edits) {
    const path = join(copy, edit.file)
    writeFileSync(path, edited(readFileSync(path, 'utf8').split('\n'), edit).join('\n'))
  }
  const load = (name: string) => import(pathToFileURL(join(copy, name)).href)
  return { ...(await load('index.ts')), Trees: (await load('trees.ts')).Trees }
}

function edited(lines: readonly string[], { file, removed, added }: Edit): string[] {
  const wanted = removed.map((line) => line.trim())
  const places = lines.flatMap((_, index) =>
    wanted.every((line, offset) => lines[index + offset]?.trim() === line) ? [index] : [],
  )
  if (wanted.length === 0 || places.length !== 1) {
    throw new Error(`\`${wanted.join(' ')}\` stands ${places.length} times in ${file}: move the fault`)
  }
  const [at] = places as [number]
  return [...lines.slice(0, at), ...added, ...lines.slice(at + wanted.length)]
}
