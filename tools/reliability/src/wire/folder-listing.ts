/** What lies in a folder and below it: every path with what it is, how large, and when it was changed. */
import { lstatSync, readdirSync } from 'node:fs'

/** Below `except` nothing is looked at, and not at when it was changed. */
export function listFolder(folder: string, except: string): Map<string, string> {
  const found = new Map<string, string>()
  // Names are bytes: one that is no UTF-8 could not be looked at by its text.
  const visit = (path: Buffer) => {
    for (const name of readdirSync(path, { encoding: 'buffer' })) {
      const one = Buffer.concat([path, Buffer.from('/'), name])
      const text = one.toString('latin1')
      if (text === except) continue
      const stat = lstatSync(one)
      const kind = stat.isDirectory() ? 'folder' : stat.isFile() ? 'file' : 'other'
      found.set(text, `${kind} ${stat.isDirectory() ? '' : stat.size} ${stat.mtimeMs}`)
      if (stat.isDirectory()) visit(one)
    }
  }
  visit(Buffer.from(folder))
  return found
}

export function differences(before: Map<string, string>, after: Map<string, string>): string[] {
  const found: string[] = []
  for (const [path, what] of after) {
    if (!before.has(path)) found.push(`${path} is new`)
    else if (before.get(path) !== what) found.push(`${path} was changed`)
  }
  for (const path of before.keys()) if (!after.has(path)) found.push(`${path} is gone`)
  return found
}
