// Each violation is planted in a temporary tree that is clean otherwise, and must be seen, in words that say
// the way out.

import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import type { Exception } from '../src/exceptions.ts'
import { LAYERS } from '../src/layers.ts'
import { PORT_FILES } from '../src/ports.ts'
import { tidy } from '../src/tidy.ts'
import { wrapComments } from '../src/wrap-comments.ts'

const HEAD = '/** What this file is. */\n'

function manifest(name: string, dependencies: Record<string, string> = {}): string {
  return JSON.stringify({ name, exports: { '.': { 'minivault:source': './src/index.ts' } }, dependencies })
}

const CLEAN: Record<string, string> = {
  'packages/clock/package.json': manifest('@minivault/clock'),
  'packages/clock/src/index.ts': "export { Version } from './version.ts'\n",
  'packages/clock/src/version.ts': `${HEAD}export class Version {}\n`,
  'packages/wal/package.json': manifest('@minivault/wal'),
  'packages/wal/src/index.ts': "export { open } from './node-file-system.ts'\n",
  'packages/wal/src/node-file-system.ts': `${HEAD}import fs from 'node:fs'\nexport { fs as open }\n`,
  'packages/storage/package.json': manifest('@minivault/storage', { '@minivault/wal': 'workspace:*' }),
  'packages/storage/src/index.ts': "export { store } from './store.ts'\n",
  'packages/storage/src/store.ts': `${HEAD}export { open as store } from '@minivault/wal'\n`,
  'packages/protocol/package.json': manifest('@minivault/protocol'),
  'packages/protocol/src/index.ts': "export { frame } from './frame.ts'\n",
  'packages/protocol/src/frame.ts': `${HEAD}export const frame = 1\n`,
  'apps/node/package.json': manifest('@minivault/node', { '@minivault/storage': 'workspace:*' }),
  'apps/node/src/index.ts': "export { startNode } from './node.ts'\n",
  'apps/node/src/node.ts': `${HEAD}export { store as startNode } from '@minivault/storage'\n`,
  'apps/node/src/main.ts': `${HEAD}import { startNode } from './node.ts'\nconsole.log(startNode, process)\n`,
}

const noExceptions: Exception[] = []

/** The complaints about the clean tree with some files changed (null: deleted). */
function complaintsWith(test: Test, changes: Record<string, string | null>, exceptions = noExceptions) {
  const root = test.testdir({})
  for (const [path, text] of Object.entries({ ...CLEAN, ...changes })) {
    if (text === null) continue
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return [...tidy(root, exceptions).complaints]
}

t.test('the clean tree is clean', (t) => {
  t.same(complaintsWith(t, {}), [])
  t.end()
})

const frame = 'packages/protocol/src/frame.ts'
const store = 'packages/storage/src/store.ts'
const main = 'apps/node/src/node.ts'

/** What is planted, and what the one complaint must say. */
const PLANTED: Record<string, [Record<string, string | null>, RegExp]> = {
  'an app goes past storage to the log': [
    { [main]: `${HEAD}// …\nexport { open as startNode } from '@minivault/wal'\n` },
    /apps\/node\/src\/node\.ts:3 imports @minivault\/wal: go through @minivault\/storage \[layer\]/,
  ],
  'the wire learns of storage': [
    { [frame]: `${HEAD}import { store } from '@minivault/storage'\nexport const frame = store\n` },
    /frame\.ts:2 imports @minivault\/storage: what needs both belongs in @minivault\/node or/,
  ],
  'an import goes up': [
    { 'packages/clock/src/version.ts': `${HEAD}export { store as Version } from '@minivault/storage'\n` },
    /version\.ts:2 imports @minivault\/storage: .*stands above.*\[layer\]/,
  ],
  'a dynamic import is an import': [
    { [frame]: `${HEAD}export const frame = import('@minivault/storage')\n` },
    /frame\.ts:2 imports @minivault\/storage/,
  ],
  'a type import is an import': [
    { [frame]: `${HEAD}export type frame = import('@minivault/wal').open\n` },
    /frame\.ts:2 imports @minivault\/wal/,
  ],
  'package.json asks for a forbidden layer': [
    { 'apps/node/package.json': manifest('@minivault/node', { '@minivault/wal': 'workspace:*' }) },
    /apps\/node\/package\.json depends on @minivault\/wal: go through @minivault\/storage \[dependency\]/,
  ],
  'a package without a place': [
    { 'packages/extra/package.json': manifest('@minivault/extra') },
    /@minivault\/extra has no place among the layers/,
  ],
  'a deep import': [
    { [store]: `${HEAD}export { open as store } from '@minivault/wal/src/node-file-system.ts'\n` },
    /store\.ts:2 .*a package has two doors.*\[door\]/,
  ],
  'a path into another package': [
    { [store]: `${HEAD}export { open as store } from '../../wal/src/index.ts'\n` },
    /store\.ts:2 .*enter another package by its name \[door\]/,
  ],
  'the testing door in real code': [
    { [store]: `${HEAD}export { open as store } from '@minivault/wal/testing'\n` },
    /store\.ts:2 .*that door is for tests only \[door\]/,
  ],
  'sockets in the wire': [
    { [frame]: `${HEAD}import net from 'node:net'\nexport const frame = net\n` },
    /frame\.ts:2 imports node:net: @minivault\/protocol must not know sockets/,
  ],
  'a second file touches the disk': [
    { 'packages/wal/src/index.ts': "export { openSync as open } from 'node:fs'\n" },
    /index\.ts:1 imports node:fs: in this package only src\/node-file-system\.ts may/,
  ],
  'wall clock': [
    { [frame]: `${HEAD}export const frame = Date.now()\n` },
    /frame\.ts:2 uses Date\.now: take `now/,
  ],
  randomness: [
    { [frame]: `${HEAD}export const frame = Math.random()\n` },
    /uses Math\.random: take `random`/,
  ],
  'a timer': [
    { [frame]: `${HEAD}export const frame = setTimeout(() => 1, 5)\n` },
    /uses setTimeout: take a Sch/,
  ],
  'a turn': [
    { [frame]: `${HEAD}export const frame = globalThis.setImmediate\n` },
    /uses setImmediate: take a/,
  ],
  console: [{ [frame]: `${HEAD}console.log(1)\nexport const frame = 1\n` }, /uses console: take a `logger`/],
  'the process': [{ [main]: `${HEAD}export const startNode = process.pid\n` }, /uses process: only main\.ts/],
  'a long file': [
    { [frame]: `${HEAD}${'export {}\n'.repeat(400)}export const frame = 1\n` },
    /has 402 lines, at most/,
  ],
  'a long function': [
    { [frame]: `${HEAD}export function frame() {\n${'  frame()\n'.repeat(69)}}\n` },
    /frame\.ts:2 frame has 71 lines, at most 70/,
  ],
  'a long line': [
    { [frame]: `${HEAD}export const frame = '${'x'.repeat(100)}'\n` },
    /frame\.ts:2 line of 123 char/,
  ],
  'a folder called utils': [
    { [frame]: null, 'packages/protocol/src/utils/frame.ts': `${HEAD}export const frame = 1\n` },
    /is called utils: a helper lives with its first user.*\[name\]/,
  ],
  'a file called types': [
    {
      [frame]: `${HEAD}export * from './types.ts'\n`,
      'packages/protocol/src/types.ts': `${HEAD}export {}\n`,
    },
    /is called types\.ts/,
  ],
  'a manager': [{ [frame]: `${HEAD}export class FrameManager {}\n` }, /class FrameManager: name the noun/],
  'a file in camel case': [
    {
      [frame]: `${HEAD}export * from './frameReader.ts'\n`,
      'packages/protocol/src/frameReader.ts': `${HEAD}export {}\n`,
    },
    /files are kebab-case/,
  ],
  'an index that does something': [
    { 'packages/protocol/src/index.ts': "export { frame } from './frame.ts'\nexport const two = 2\n" },
    /index\.ts:2 an index file holds only/,
  ],
  'no opening comment': [{ [frame]: 'export const frame = 1 // late\n' }, /does not open with a comment/],
  'a dead file': [
    { 'packages/protocol/src/old-frame.ts': `${HEAD}export const frame = 1\n` },
    /old-frame\.ts is reached from no door.*\[dead-file\]/,
  ],
}

t.test('each planted violation is seen, and nothing else', (t) => {
  for (const [name, [changes, expected]] of Object.entries(PLANTED)) {
    t.test(name, (t) => {
      const complaints = complaintsWith(t, changes)
      t.match(complaints.join('\n'), expected)
      const dead = name.includes('utils') ? 2 : 1
      t.equal(
        complaints.filter((line) => !line.includes('[dead-file]') || name === 'a dead file').length <= dead,
        true,
      )
      t.end()
    })
  }
  t.end()
})

t.test('what looks like a violation and is none', (t) => {
  const ownName = `${HEAD}export function frame(process, setTimeout) {\n  return process + setTimeout\n}\n`
  t.same(complaintsWith(t, { [frame]: ownName }), [], 'a parameter is no global')
  const property = `${HEAD}export const frame = { process: 1, console: 2 }.process\n`
  t.same(complaintsWith(t, { [frame]: property }), [], 'a property is no global')
  const words = `${HEAD}// Date.now() and process.exit() in a comment\nexport const frame = 'setTimeout()'\n`
  t.same(complaintsWith(t, { [frame]: words }), [], 'words are no calls')
  const testing = "import { open } from '@minivault/wal/testing'\nimport 'node:fs'\nopen(Date.now())\n"
  t.same(
    complaintsWith(t, { 'packages/storage/test/store.test.ts': testing }),
    [],
    'a test may touch the world',
  )
  t.end()
})

t.test('an exception may only shrink', (t) => {
  const long = `${HEAD}export function frame() {\n${'  frame()\n'.repeat(80)}}\n`
  const rule = { rule: 'function-length', path: frame, name: 'frame', why: 'a table' } as const
  t.same(complaintsWith(t, { [frame]: long }, [{ ...rule, amount: 82 }]), [])
  t.match(complaintsWith(t, { [frame]: long }, [{ ...rule, amount: 90 }]).join(), /allows 90: lower it to 82/)
  t.match(complaintsWith(t, { [frame]: long }, [{ ...rule, amount: 81 }]).join(), /frame has 82 lines/)
  t.match(complaintsWith(t, {}, [{ ...rule, amount: 82 }]).join(), /is not needed any more: remove it/)
  t.match(complaintsWith(t, { [frame]: long }, [{ ...rule, amount: 82, why: '' }]).join(), /says no why/)
  const twice = `${HEAD}export const frame = Date.now() + Date.now()\n`
  const calls = { rule: 'banned-call', path: frame, why: 'soon' } as const
  t.same(complaintsWith(t, { [frame]: twice }, [{ ...calls, amount: 2 }]), [])
  t.equal(complaintsWith(t, { [frame]: twice }, [{ ...calls, amount: 1 }]).length, 2)
  t.end()
})

t.test('the tables agree with themselves', (t) => {
  for (const [name, layer] of Object.entries(LAYERS)) {
    for (const below of layer.mayImport) {
      t.ok(LAYERS[below], `${name} may import ${below}, which is a layer`)
      t.notOk(LAYERS[below]?.mayImport.includes(name), `${below} does not import ${name} back`)
    }
  }
  t.notOk(LAYERS['@minivault/node']?.mayImport.includes('@minivault/wal'))
  t.equal(PORT_FILES['packages/wal']?.files, 'src/node-file-system.ts')
  t.end()
})

t.test('long comment lines are wrapped, drawings are not', (t) => {
  const words = `${'word '.repeat(25)}end.`
  const wrapped = wrapComments(` * ${words}\n * and more\n * - item\n`)
  t.ok(wrapped.split('\n').every((line) => line.length <= 110))
  t.equal(wrapped.replace(/\n \* (?!-)/g, ' ').trim(), `* ${words} and more\n * - item`, 'no word is lost')
  const drawing = `// ${'a   b '.repeat(20)}|`
  t.equal(wrapComments(drawing), drawing)
  t.match(wrapComments(`  /** ${words} */\ncode()`), /^ {2}\/\*\*\n {3}\* word/)
  t.end()
})
