/** Over the documented opcodes: what they cannot carry is refused, and nothing of it is done. */
import t from 'tap'
import { Client, type ClientError } from '../src/index.ts'
import { startServer } from './support/server.ts'

t.test('only frames carry the rest', async (t) => {
  const { port } = await startServer(t, ['-durability', 'os'])
  const frames = Client.open({ url: `minivault://127.0.0.1:${port}`, protocol: 'frames' })
  t.teardown(() => frames.close())
  const { version } = await frames.set('key', '1')
  const way = 'the documented opcodes'
  const client = Client.open({ url: `minivault://127.0.0.1:${port}`, protocol: 'documented' })
  t.teardown(() => client.close())
  let pulled = 0
  function* source() {
    pulled++
    yield Buffer.alloc(1024 * 1024)
  }
  const calls: Record<string, () => Promise<unknown>> = {
    ttlMs: () => client.set('key', '2', { ttlMs: 1000 }),
    ifVersion: () => client.set('key', '2', { ifVersion: version! }),
    durability: () => client.set('key', '2', { durability: 'os' }),
    consistency: () => client.get('key', { consistency: 'one' }),
    'ifVersion ': () => client.delete('key', { ifVersion: version! }),
    touch: () => client.touch('key'),
    increment: () => client.increment('key'),
    update: () => client.update('key', () => '2'),
    'a range': () => client.getRange('key', { start: 0, end: 1 }),
    'a range ': () => client.getStream('key'),
    setStream: () => client.setStream('key', source(), { size: 5 * 1024 * 1024 }),
    batch: () => client.batch([{ type: 'delete', key: 'key' }]),
    scan: () => client.scan().next(),
    ifAbsent: () => client.create('other', '2'),
  }
  for (const [what, call] of Object.entries(calls)) {
    const error: ClientError = await call().then(
      () => t.fail(`${way}: ${what}`),
      (error) => error,
    )
    t.match(error, { name: 'ClientError', code: 'CLIENT_UNSUPPORTED', inDoubt: false, retryable: false })
    t.ok(error.message.includes(`${way} cannot carry ${what.trim()}`), error.message)
    t.ok(error.message.includes('minivault://'), 'the way out is named')
  }
  t.equal(pulled, 0, 'the source was not asked')
  t.match(await frames.getEntry('key'), { version }, 'nothing was done')
  t.equal(await frames.has('other'), false)
  t.equal(await client.has('key'), true, 'has asks for the value, and drops it')
  t.equal(await client.text().get('key'), '1')
})
