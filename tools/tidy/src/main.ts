/**
 * The command: `tidy` reads every import and package.json below the current folder and prints what is not as
 * it should be, one line each; exit code 1 if anything is. `tidy --wrap [path…]` first brings long comment
 * lines under the limit, in all files or in those below the paths.
 */
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { readExceptions } from './exceptions.ts'
import { readPackages, readScripts } from './package-folder.ts'
import { tidy } from './tidy.ts'
import { wrapComments } from './wrap-comments.ts'

const root = resolve('.')
const [command, ...paths] = process.argv.slice(2)
if (command === '--wrap') wrap(paths)
else if (command !== undefined) throw new Error(`unknown argument ${command}: tidy [--wrap [path…]]`)

const report = tidy(root, readExceptions(join(root, 'tools', 'tidy', 'exceptions.json')))
for (const complaint of report.complaints) console.log(complaint)
console.log(`tidy: ${report.fileCount} files, ${report.complaints.length} complaints`)
process.exitCode = report.complaints.length === 0 ? 0 : 1

function wrap(below: readonly string[]): void {
  const files = [...readPackages(root).flatMap((folder) => folder.files), ...readScripts(root)]
  for (const { path, text } of files) {
    if (below.length > 0 && !below.some((start) => path.startsWith(start))) continue
    const wrapped = wrapComments(text)
    if (wrapped !== text) writeFileSync(join(root, path), wrapped)
  }
}
