/**
 * Programs that the rows start beside themselves, each in one file: from its sources one takes a second of
 * processor time to start, and some rows start thirty. Parts that are not ours and cannot be moved are found
 * where the node has them.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
const BUNDLER = pathToFileURL(join(ROOT, 'tools', 'bundle', 'bundle.mjs')).href

type WriteBundle = (input: string, output: string) => Promise<unknown>

/** What the environment of such a program needs. */
export const PROGRAM_ENVIRONMENT = { NODE_PATH: join(ROOT, 'apps', 'node', 'node_modules') }

/** The path of the one file; it lasts as long as this process. */
export async function builtProgram(main: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'minivault-reliability-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const output = join(folder, `${basename(main, '.ts')}.cjs`)
  const { writeBundle } = (await import(BUNDLER)) as { writeBundle: WriteBundle }
  await writeBundle(main, output)
  return output
}
