/** README.md against the code: each `console.log` of its examples prints what its comment says. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import t from 'tap'
import { startServer, temporaryFolder } from './support/server.ts'

const page = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')

t.test('the examples print what they say', async (t) => {
  const { port } = await startServer(t, ['-durability', 'os'])
  const [first, ...others] = [...page.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code!)
  t.ok(first!.trim().split('\n').length <= 10, 'the first is short')
  // Each of the others has names of its own.
  const blocks = [first, ...others.map((code) => `{\n${code}}\n`)].join('\n')
  const imports = blocks.match(/^import .*\n/gm) ?? []
  const program = [...imports, blocks.replaceAll(/^import .*\n/gm, '')].join('')
  const file = join(temporaryFolder(t), 'example.mts')
  const here = program
    .replaceAll('localhost:3000', `127.0.0.1:${port}`)
    .replaceAll('localhost:3001', '127.0.0.1:1')
    .replaceAll(/'@minivault\/client(\/\w+)?'/g, (_, door = '') => {
      return `'${pathToFileURL(join(import.meta.dirname, `../src${door}/index.ts`)).href}'`
    })
  writeFileSync(file, here)
  const printed: string[] = []
  const { log } = console
  console.log = (...values) => {
    printed.push(values.map((value) => (typeof value === 'string' ? value : inspect(value))).join(' '))
  }
  try {
    await import(pathToFileURL(file).href)
  } finally {
    console.log = log
  }
  const wanted = [...program.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map(([, said]) => said)
  t.ok(wanted.length > 12)
  t.equal(printed.join(', '), wanted.join(', '))
})

t.test('the tables have every code and every call once', async (t) => {
  const errors = readFileSync(join(import.meta.dirname, '../src/client-error.ts'), 'utf8')
  const codes = [...errors.matchAll(/^ {2}\| '(CLIENT_\w+)'$/gm)].map(([, code]) => code)
  t.ok(codes.length > 8)
  const rows = [...page.matchAll(/^\| (CLIENT_\w+) \| .*\S.* \|$/gm)].map(([, code]) => code)
  t.same(rows.sort(), codes.sort())
  const surface = readFileSync(join(import.meta.dirname, '../src/key-value-client.ts'), 'utf8')
  const calls = [...surface.matchAll(/^ {2}(?:async )?([a-z]\w+)(?:<.*>)?\(/gm)].map(([, name]) => name!)
  const table = page.slice(page.indexOf('## The calls'), page.indexOf('## What to know'))
  for (const name of calls) t.ok(table.includes(`\`${name}(`), name)
  t.ok(calls.length > 15)
})
