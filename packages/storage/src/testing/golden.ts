/**
 * Golden folders: data folders that earlier programs wrote, kept as they are. Beside each stands a text with
 * two lists, of its files and of what it holds:
 *
 *     files
 *     <sha256> <path>
 *     contents
 *     <a line of `contentLines`>
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'

export interface GoldenFolder {
  readonly name: string
  readonly directory: string
  /** As the text beside it says. */
  readonly files: readonly string[]
  readonly contents: readonly string[]
}

/** The wall clock at which they are to be opened, an hour after all of them were written. */
export const GOLDEN_NOW_MS = 1_800_000_000_000

export const GOLDEN_DIGEST_SUFFIX = '.digest.txt'

/** All that lie in a folder, by name. */
export function goldenFolders(parent: string): GoldenFolder[] {
  const names = readdirSync(parent).filter((name) => name.endsWith(GOLDEN_DIGEST_SUFFIX))
  return names.sort().map((file) => {
    const [files = '', contents = ''] = readFileSync(join(parent, file), 'utf8').split('contents\n')
    const name = file.slice(0, -GOLDEN_DIGEST_SUFFIX.length)
    return {
      name,
      directory: join(parent, name),
      files: linesOf(files).slice(1),
      contents: linesOf(contents),
    }
  })
}

export function goldenText(files: readonly string[], contents: readonly string[]): string {
  return `${['files', ...files, 'contents', ...contents].join('\n')}\n`
}

/** `sha256 path` of every file below a folder, ascending by path. */
export function fileLines(directory: string): string[] {
  const entries = readdirSync(directory, { withFileTypes: true, recursive: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const paths = files.map((file) => relative(directory, file).split(sep).join('/')).sort()
  return paths.map((path) => {
    const hash = createHash('sha256')
      .update(readFileSync(join(directory, path)))
      .digest('hex')
    return `${hash} ${path}`
  })
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}
