/** README.md against the code: each `console.log` of its examples prints what its comment says. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import t from 'tap'

const page = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')

t.test('the examples print what they say', async (t) => {
  const examples = [...page.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code!)
  t.ok(examples[0]!.trim().split('\n').length <= 10, 'the first is short')
  const folder = mkdtempSync(join(tmpdir(), 'minivault-readme-'))
  const before = process.cwd()
  t.teardown(() => {
    process.chdir(before)
    rmSync(folder, { recursive: true, force: true })
  })
  process.chdir(folder)
  const [first, ...others] = examples as [string, ...string[]]
  // Each has names of its own.
  const program = [
    first,
    ...others.filter((code) => !code.startsWith('import')).map((code) => `{\n${code}}\n`),
  ]
  const own = others.filter((code) => code.startsWith('import'))
  const written = [program.join('\n'), ...own]
  const source = (name: string) => pathToFileURL(join(import.meta.dirname, '../src', name, 'index.ts')).href
  const printed: string[] = []
  const { log } = console
  console.log = (...values) => {
    printed.push(values.map((value) => (typeof value === 'string' ? value : inspect(value))).join(' '))
  }
  try {
    for (const [i, code] of written.entries()) {
      const file = join(folder, `example${i}.mts`)
      writeFileSync(
        file,
        code.replace(/'@minivault\/storage(.*?)'/g, (_, door) => `'${source(door)}'`),
      )
      await import(pathToFileURL(file).href)
    }
  } finally {
    console.log = log
  }
  const wanted = [...written.join('\n').matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map(([, said]) => said)
  t.ok(wanted.length > 15)
  t.equal(printed.join(', '), wanted.join(', '))
})

t.test('the table of errors has every code once', async (t) => {
  const source = readFileSync(join(import.meta.dirname, '../src/storage-error.ts'), 'utf8')
  const codes = [...source.matchAll(/^ {2}\| '(STORAGE_\w+)'$/gm)].map(([, code]) => code)
  t.ok(codes.length > 15)
  const rows = [...page.matchAll(/^\| `(STORAGE_\w+)` .*\S.* \|$/gm)].map(([, code]) => code)
  t.same(rows.sort(), codes.sort())
})
