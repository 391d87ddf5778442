/** The build context: which files of the repository a COPY sees, as .dockerignore says. */
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Copies what of `root` is not ignored into `target`. */
export function copyContext(root: string, target: string): void {
  const isIgnored = readIgnored(readFileSync(join(root, '.dockerignore'), 'utf8'))
  copy('')

  function copy(folder: string): void {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (isIgnored(path)) continue
      if (entry.isDirectory()) copy(path)
      else cpSync(join(root, path), join(target, path), { verbatimSymlinks: true })
    }
  }
}

/** Knows a name at the root and a name anywhere, with `*` and ranges in it; more is not used. */
function readIgnored(text: string): (path: string) => boolean {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  const patterns = lines.map((line) => {
    const name = line.replace(/^\*\*\//, '')
    if (/[/!?\\]/.test(name)) throw new Error(`.dockerignore: what does ${line} mean?`)
    const expression = name.replaceAll('.', '\\.').replaceAll('*', '[^/]*')
    return new RegExp(`^${line.startsWith('**/') ? '(.*/)?' : ''}${expression}$`)
  })
  return (path) => patterns.some((pattern) => pattern.test(path))
}
