/** One contract: clients of a real node, by frames and by HTTP, and of the double in memory. */
import t from 'tap'
import { Client, type ClientError } from '../src/index.ts'
import { MemoryStore } from '../src/testing/index.ts'
import { testContract } from './support/contract.ts'
import { startServer } from './support/server.ts'

for (const scheme of ['minivault', 'http']) {
  t.test(`${scheme}://`, async (t) => {
    const { port } = await startServer(t, ['-durability', 'memory'])
    const client = Client.open({ url: `${scheme}://127.0.0.1:${port}`, timeoutMs: 60_000 })
    await testContract(t, { client, isHttp: scheme === 'http' })
  })
}

t.test('in memory', async (t) => {
  await testContract(t, { client: new MemoryStore().open(), isHttp: false })
})

t.test('what only the double has', async (t) => {
  let now = 1_000
  const store = new MemoryStore({ now: () => now })
  const client: Client = store.open()
  const other = store.open()
  await client.set('key', 'x', { ttlMs: 500 })
  t.equal(await other.text().get('key'), 'x', 'clients share the store')
  t.equal(store.size, 1)
  now += 500
  t.equal(await client.get('key'), undefined, 'time is what the test says')
  t.equal(store.size, 0)
  store.refuse('NO_QUORUM', 2)
  const error: ClientError = await client.set('key', 'y').catch((thrown) => thrown)
  t.match(error, { code: 'NO_QUORUM', retryable: true, inDoubt: false })
  await t.rejects(other.get('key'), { code: 'NO_QUORUM' })
  t.equal(await client.get('key'), undefined)
  await client.set('key', 'y')
  store.clear()
  t.equal(await client.has('key'), false)
  const few = store.open({ queueRequestsMax: 2 })
  const calls = await Promise.allSettled(['a', 'b', 'c'].map((key) => few.get(key)))
  t.same(
    calls.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected'],
  )
})
