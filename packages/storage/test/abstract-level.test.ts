import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { MinivaultLevel, type MinivaultLevelOptions } from '../src/abstract-level/index.ts'
import { Store } from '../src/index.ts'
import { MemoryStore } from '../src/testing/index.ts'

/** abstract-level's own suite, which asks for a `test` function like tape's. */
const suite: (options: { test: unknown; factory: unknown }) => void = createRequire(import.meta.url)(
  'abstract-level/test',
)

type Options = MinivaultLevelOptions<string, string>

const root = mkdtempSync(join(tmpdir(), 'minivault-level-'))
t.teardown(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
const fresh = () => join(root, `level${++folders}`)
const storeOptions = { durability: 'os', cacheBytes: 1 << 20 } as const

/** The assertions of tape that the suite uses, all strict. */
const tape = (t: Test) => ({
  is: (found: unknown, wanted: unknown, message = 'is') => t.equal(found, wanted, message),
  isNot: (found: unknown, wanted: unknown, message = 'is not') => t.not(found, wanted, message),
  same: (found: unknown, wanted: unknown, message = 'same') => t.strictSame(found, wanted, message),
  ok: (value: unknown, message = 'ok') => t.ok(value, message),
  pass: (message = 'pass') => t.pass(message),
  fail: (message?: unknown) => t.fail(String(message)),
  plan: (count: number) => t.plan(count),
  end: () => t.end(),
  doesNotThrow: (call: () => unknown) => t.doesNotThrow(call),
  throws(call: () => unknown, isWanted: (error: unknown) => boolean) {
    try {
      call()
    } catch (error) {
      return t.ok(isWanted(error), 'throws what it should')
    }
    return t.fail('should have thrown')
  },
})

function run(t: Test, factory: (options?: Options) => MinivaultLevel): void {
  const test = (name: string, body: (t: ReturnType<typeof tape>) => unknown) =>
    t.test(name, (t) => body(tape(t)) as Promise<unknown> | undefined)
  suite({ test, factory })
}

t.test('over the model', async (t) => run(t, (options) => new MinivaultLevel(new MemoryStore(), options)))
t.test('over the engine', async (t) =>
  run(t, (options) => new MinivaultLevel(fresh(), { ...options, storeOptions })),
)

t.test('beside other keys of an open store', async (t) => {
  await using store = await Store.open({ directory: fresh(), ...storeOptions })
  await store.set('mine', 'x')
  const level = new MinivaultLevel<string, string>(store)
  await level.put('', 'empty')
  await level.put('mine', "the level's")
  t.same(await level.iterator().all(), [
    ['', 'empty'],
    ['mine', "the level's"],
  ])
  t.equal(Buffer.from(store.getSync('\0mine')!).toString(), "the level's", 'behind a byte 0')
  await t.rejects(level.put('k'.repeat(65_535), 'v'), { code: 'STORAGE_KEY_LENGTH' })
  await level.clear()
  t.same(await level.keys().all(), [])
  await level.close()
  t.equal(
    Buffer.from((await store.get('mine'))!).toString(),
    'x',
    'the store stays open, and what it had stays',
  )
  await level.open()
  await level.put('a', 'b')
  await level.close()
})

t.test('a folder that cannot be opened', async (t) => {
  const directory = fresh()
  await using store = await Store.open({ directory, ...storeOptions })
  const level = new MinivaultLevel(directory)
  await t.rejects(level.open(), { code: 'LEVEL_DATABASE_NOT_OPEN', cause: { code: 'STORAGE_LOCKED' } })
  t.equal(await store.has('a'), false)
})
