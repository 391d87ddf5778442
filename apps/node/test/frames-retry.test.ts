/**
 * At most once: the same request id again, with a higher attempt, for each kind of write of the frame form;
 * while the first is under way, after it was answered, after it failed, and after a restart.
 */
import { Version } from '@minivault/clock'
import { ERROR, FRAME_FLAG, FRAME_OPCODE, OUTCOME } from '@minivault/protocol'
import t from 'tap'
import { BatchVersions } from '../src/local/batch-versions.ts'
import {
  type Asking,
  type FrameAnswer,
  FrameClient,
  type Running,
  requestNow,
  startFrames,
} from './support/frame-client.ts'
import { temporaryFolder } from './support/server.ts'

const { ifAbsent } = FRAME_FLAG

/** What a reply says, its frame aside. */
const told = ({ flags, outcome, error, version, value }: FrameAnswer) =>
  `${flags} ${outcome} ${error} ${version} ${value.toString('hex')}`

const pair = [
  { key: 'a', value: '1' },
  { key: 'b', value: '2' },
]

/** Each kind of write, to be asked with the same id again. */
const WRITES: Record<string, (client: FrameClient, asking: Asking) => Promise<FrameAnswer>> = {
  set: (client, asking) => client.set('k', '7', asking),
  'set with a time to live': (client, asking) => client.set('k', '7', { ttlMs: 60_000, ...asking }),
  delete: (client, asking) => client.delete('k', asking),
  touch: (client, asking) => client.touch('k', 60_000, asking),
  increment: (client, asking) => client.increment('k', 3n, asking),
  batch: (client, asking) => client.batch(pair, asking),
  'a large set': (client, asking) =>
    client.inChunks(FRAME_OPCODE.set, { key: 'k', value: Buffer.alloc(700_000, 'x'), ...asking }, 190_000),
}

for (const [name, write] of Object.entries(WRITES)) {
  t.test(`${name}: a retry gets the same answer, and nothing happens`, async (t) => {
    const { client } = await startFrames(t)
    await client.set('k', '4')
    const requestId = requestNow()
    const first = await write(client, { requestId })
    t.match(first, { outcome: OUTCOME.ok, error: 0 })
    t.equal(first.version, requestId.toString())
    await client.set('k', 'later')
    await client.set('a', 'later')
    const retry = await write(client, { requestId, attempt: 2 })
    t.equal(told(retry), told(first))
    t.equal(await client.text('k'), 'later')
    if (name === 'batch') t.equal(await client.text('a'), 'later')
    t.match(await write(client, { requestId, attempt: 1 }), { error: ERROR.SUPERSEDED })
  })

  t.test(`${name}: a retry of what is under way waits for the same answer`, async (t) => {
    const { node, client } = await startFrames(t)
    await client.set('k', '4')
    const others = await Promise.all([1, 2].map(() => FrameClient.open(node.port)))
    t.teardown(() => others.map((other) => other.close()))
    const requestId = requestNow()
    const answers = await Promise.all([
      write(client, { requestId }),
      write(others[0]!, { requestId, attempt: 1 }),
      write(others[1]!, { requestId, attempt: 1 }),
    ])
    // A later attempt of a long value may be complete before the first.
    const given = answers.filter(({ error }) => error !== ERROR.SUPERSEDED)
    t.equal(new Set(given.map(told)).size, 1, answers.map(told).join(', '))
    t.ok(given.length >= 2 && given[0]!.error === ERROR.NONE)
    const now = await client.text('k')
    const wanted: Record<string, string | null> = { increment: '7', delete: null, touch: '4', batch: '4' }
    if (name in wanted) t.equal(now, wanted[name], 'once')
  })
}

t.test('a no is repeated, too, whatever has changed', async (t) => {
  const { client } = await startFrames(t)
  const asked: Asking[] = [{ flags: ifAbsent }, { ifVersion: `${'0'.repeat(23)}1` }]
  for (const [index, asking] of asked.entries()) {
    const key = `key ${index}`
    const requestId = requestNow(index)
    const { version } = await client.set(key, 'v')
    const first = await client.set(key, 'new', { ...asking, requestId })
    t.match(first, { outcome: OUTCOME.no, version })
    await client.delete(key)
    t.equal(told(await client.set(key, 'new', { ...asking, requestId, attempt: 1 })), told(first))
    t.equal(await client.text(key), null)
  }
  const requestId = requestNow(50)
  const absent = await client.touch('none', 5, { requestId })
  t.match(absent, { outcome: OUTCOME.no, error: ERROR.KEY_NOT_FOUND })
  await client.set('none', 'v')
  t.equal(told(await client.touch('none', 5, { requestId, attempt: 1 })), told(absent))
  t.equal(await client.text('none'), 'v')
})

t.test('what failed without effect is carried out by its retry', async (t) => {
  const { client } = await startFrames(t)
  await client.set('n', 'no number')
  const requestId = requestNow()
  t.match(await client.increment('n', 1n, { requestId }), { error: ERROR.NOT_A_NUMBER })
  await client.set('n', '41')
  const retried = await client.increment('n', 1n, { requestId, attempt: 1 })
  t.match(retried, { error: 0, sum: 42n })
  t.match(await client.increment('n', 1n, { requestId, attempt: 2 }), { sum: 42n }, 'once')
  t.match(await client.increment('n', 1n, { requestId, attempt: 0 }), { error: ERROR.SUPERSEDED })
})

t.test('an id below the key: the successor, and the id beside it', async (t) => {
  const { client } = await startFrames(t)
  await client.set('k', '5')
  await client.set('a', 'there')
  const older = Version.of(Date.now() - 1000, 0, 9)
  const sum = await client.increment('k', 1n, { requestId: older })
  t.match(sum, { error: 0, sum: 6n })
  t.ok(sum.version > older.toString())
  const batch = await client.batch(pair, { requestId: Version.of(Date.now() - 1000, 0, 10) })
  const versions = [batch.value.toString('hex', 0, 12), batch.value.toString('hex', 12)]
  t.ok(versions[0]! > versions[1]!, 'a was there, b was not')
  t.same(versions, [(await client.get('a')).version, (await client.get('b')).version])
})

/** The same folder, opened again. */
async function reopened({ node, client }: Running, t: Parameters<typeof startFrames>[0], directory: string) {
  client.close()
  await node.close()
  return startFrames(t, { directory })
}

for (const [name, write] of Object.entries(WRITES)) {
  for (const isOlder of [false, true]) {
    const below = isOlder ? ', its id below the key' : ''
    t.test(`${name}: after a restart the newest record answers, or nobody does${below}`, async (t) => {
      const directory = temporaryFolder(t)
      const first = await startFrames(t, { directory })
      for (const key of ['k', 'a', 'b']) await first.client.set(key, '4')
      const requestId = isOlder ? Version.of(Date.now() - 10_000, 0, 9) : requestNow()
      const answer = await write(first.client, { requestId })
      t.equal(answer.version !== requestId.toString(), isOlder)
      const second = await reopened(first, t, directory)
      t.equal(told(await write(second.client, { requestId, attempt: 1 })), told(answer))
      for (const key of ['k', 'a']) await second.client.set(key, 'later')
      const third = await reopened(second, t, directory)
      const doubt = await write(third.client, { requestId, attempt: 2 })
      t.match(doubt, { outcome: OUTCOME.inDoubt, error: ERROR.IN_DOUBT })
      t.match(await write(third.client, { requestId, attempt: 3 }), { error: ERROR.IN_DOUBT }, 'again')
      t.equal(await third.client.text('k'), 'later')
    })
  }
}

t.test('a batch with a key twice: after a restart the same versions', async (t) => {
  const directory = temporaryFolder(t)
  const first = await startFrames(t, { directory })
  await first.client.set('a', 'there')
  const requestId = Version.of(Date.now() - 10_000, 0, 9)
  const write = (client: FrameClient, attempt: number) =>
    client.batch([{ key: 'a', value: '0' }, ...pair], { requestId, attempt })
  const answer = await write(first.client, 0)
  t.equal(answer.value.toString('hex', 0, 12), requestId.toString())
  t.equal(answer.value.toString('hex', 12, 24), (await first.client.get('a')).version)
  const second = await reopened(first, t, directory)
  t.equal(told(await write(second.client, 1)), told(answer))
})

t.test('versions of batches are remembered within a bound', (t) => {
  const versions = new BatchVersions(10)
  const idOf = (index: number) => Version.of(1000, index, 1)
  for (let index = 0; index < 5; index++) versions.add(idOf(index), ['x', 'y', 'z'])
  t.same(
    [0, 1, 2, 3, 4].map((index) => versions.of(idOf(index)) !== null),
    [false, false, true, true, true],
  )
  for (let again = 0; again < 5; again++) versions.add(idOf(4), ['x', 'y', 'z'])
  t.ok(versions.of(idOf(2)), 'what is remembered anew takes no more room than before')
  for (let index = 10; index < 30; index++) versions.add(idOf(index), [])
  t.equal(versions.of(idOf(4)), null)
  t.same(versions.of(idOf(29)), [])
  t.end()
})
