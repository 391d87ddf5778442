import { createRequire } from 'node:module'
import t, { type Test } from 'tap'
import { MinivaultLevel, type MinivaultLevelOptions } from '../src/abstract-level/index.ts'
import { MemoryStore } from '../src/testing/index.ts'

/** abstract-level's own suite, which asks for a `test` function like tape's. */
const suite: (options: { test: unknown; factory: unknown }) => void = createRequire(import.meta.url)(
  'abstract-level/test',
)

type Options = MinivaultLevelOptions<string, string>

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
