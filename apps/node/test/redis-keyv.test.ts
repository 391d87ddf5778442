/**
 * The compliance suite that every store of Keyv has to pass, as published, on @keyv/redis with minivault
 * behind it. It is written for a runner of its own; what it asks of that is given here.
 */

import KeyvRedis, { createKeyv } from '@keyv/redis'
import suite, { keyvIteratorTests } from '@keyv/test-suite'
import { expect } from 'expect'
import Keyv from 'keyv'
import t, { type Test } from 'tap'
import { startServer } from './support/server.ts'

/** As the runner hands it to a test. */
interface Context {
  expect: typeof expect
}
type Step = () => unknown
type Body = (context: Context) => unknown

/** Gathers what a suite registers. */
class Runner {
  readonly tests: { name: string; body: Body }[] = []
  readonly before: Step[] = []
  readonly after: Step[] = []
  readonly expect = expect
  readonly it = (name: string, body: Body) => this.tests.push({ name, body })
  readonly test = this.it
  readonly describe = (_name: string, body: Step) => body()
  readonly beforeEach = (step: Step) => this.before.push(step)
  readonly afterEach = (step: Step) => this.after.push(step)
}

async function run(t: Test, runner: Runner): Promise<void> {
  for (const { name, body } of runner.tests) {
    await t.test(name, async (t) => {
      for (const step of runner.before) await step()
      await body({ expect })
      for (const step of runner.after) await step()
      t.pass()
    })
  }
}

t.test('the suite', { timeout: 60_000 }, async (t) => {
  const { port } = await startServer(t, ['-durability', 'memory'])
  const stores: KeyvRedis<unknown>[] = []
  const store = () => {
    const opened = new KeyvRedis<unknown>(`redis://127.0.0.1:${port}`)
    stores.push(opened)
    return opened
  }
  t.teardown(() => Promise.all(stores.map((opened) => opened.disconnect(true))))
  const runner = new Runner()
  suite(runner as never, Keyv as never, store as never)
  keyvIteratorTests(runner as never, Keyv as never, store as never)
  t.ok(runner.tests.length > 30, `${runner.tests.length} tests`)
  await run(t, runner)
})

t.test('namespaces, many at once, what ends soon', async (t) => {
  const { port } = await startServer(t, ['-durability', 'memory'])
  const open = (namespace: string) => {
    const keyv = createKeyv(`redis://127.0.0.1:${port}`, { namespace })
    t.teardown(() => keyv.disconnect())
    return keyv
  }
  const [one, other] = [open('one'), open('other')]
  await one.set('k', { nested: ['value', 1] })
  t.same(await one.get('k'), { nested: ['value', 1] })
  t.equal(await other.get('k'), undefined)
  await one.setMany([
    { key: 'a', value: '1' },
    { key: 'b', value: '2' },
    { key: 'soon', value: '3', ttl: 5 },
  ])
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.same(await one.hasMany(['a', 'b', 'soon', 'none']), [true, true, false, false])
  t.same(await one.getMany(['a', 'soon', 'b']), ['1', undefined, '2'])
  await other.setMany(Array.from({ length: 2500 }, (_, at) => ({ key: `many:${at}`, value: at })))
  let seen = 0
  for await (const [key] of other.iterator!('other')) if (String(key).includes('many:')) seen += 1
  t.equal(seen, 2500)
  t.same(await one.deleteMany(['a', 'none']), true)
  await other.clear()
  t.same(await other.hasMany(['many:0', 'many:2499']), [false, false])
  t.equal(await one.get('b'), '2', 'of another namespace')
})
