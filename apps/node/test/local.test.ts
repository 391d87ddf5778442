/**
 * One replica, by its port: retries under a request id, creates, deletes, and what waits for its durability.
 */
import { Version } from '@minivault/clock'
import { ERROR, OUTCOME } from '@minivault/protocol'
import { DURABILITY, VALUE_TYPE } from '@minivault/storage'
import t from 'tap'
import { KIND } from '../src/key-value.ts'
import { openReplica as open, Replica } from './support/replica.ts'
import { temporaryFolder } from './support/server.ts'

const requestNow = (counter = 0) => Version.of(Date.now(), counter, 0x1234)

t.test('a request id is the version, and a retry takes effect once', async (t) => {
  const replica = await open(t)
  const request = requestNow()
  const first = await replica.set('k', 'first', request)
  t.match(first, { outcome: OUTCOME.ok, version: request.toString() })
  await replica.set('k', 'second')
  const retried = await replica.set('k', 'first', request, 1)
  t.same(retried, first, 'the recorded answer')
  t.equal(await replica.read('k'), 'second', 'and nothing was written again')
  const deletion = requestNow(1)
  t.match(await replica.ask(KIND.delete, 'k', '', deletion), { exists: true })
  t.match(await replica.ask(KIND.delete, 'k', '', deletion, 1), { exists: true }, 'the retry says the same')
  const late = await replica.set('k', 'first', request, 0)
  t.match(late, { error: ERROR.SUPERSEDED })
})

t.test('a retry while the first attempt still waits is answered with it', async (t) => {
  const replica = await open(t)
  const request = requestNow()
  const answers = await Promise.all([replica.set('k', 'v', request), replica.set('k', 'v', request, 1)])
  t.same(answers[0], { ...answers[1], exists: false })
  t.equal(answers[1]?.version, request.toString())
})

t.test('an id below the key takes its successor and keeps the id beside it', async (t) => {
  const folder = temporaryFolder(t)
  const replica = await Replica.open(folder)
  const older = Version.of(Date.now() - 1000, 0, 9)
  const newer = await replica.set('k', 'new')
  const answer = await replica.set('k', 'older request, later call', older)
  t.equal(answer.outcome, OUTCOME.ok)
  t.ok(answer.version > newer.version, 'above what was there')
  t.equal(await replica.read('k'), 'older request, later call')
  await replica.store.close()

  const again = await Replica.open(folder)
  t.teardown(() => again.store.close())
  const retried = await again.set('k', 'older request, later call', older, 1)
  t.match(retried, { outcome: OUTCOME.ok, version: answer.version }, 'after a restart: from the record')
  await again.set('k', 'overwritten')
  t.match(await again.set('k', 'x', older, 2), { outcome: OUTCOME.ok }, 'the ledger knows it again')
})

t.test('after a restart an id that only the lost ledger knew is in doubt', async (t) => {
  const folder = temporaryFolder(t)
  const replica = await Replica.open(folder)
  const request = requestNow()
  await replica.set('k', 'first', request)
  await replica.set('k', 'second')
  await replica.store.close()
  const again = await Replica.open(folder)
  t.teardown(() => again.store.close())
  const doubt = await again.set('k', 'first', request, 1)
  t.match(doubt, { outcome: OUTCOME.inDoubt, error: ERROR.IN_DOUBT })
  t.equal(await again.read('k'), 'second')
})

t.test('after a restart a request is in doubt although a merge has left nothing of its key', async (t) => {
  const folder = temporaryFolder(t)
  const replica = await Replica.open(folder)
  const request = requestNow()
  const count = (on: Replica, attempt: number) =>
    on.ask(KIND.increment, 'n', '', request, attempt, (operation) => {
      operation.delta = 5n
    })
  t.match(await count(replica, 0), { outcome: OUTCOME.ok, sum: 5n })
  await replica.ask(KIND.delete, 'n')
  await replica.store.merge()
  await replica.store.close()
  const again = await Replica.open(folder)
  t.teardown(() => again.store.close())
  t.match(await count(again, 1), { outcome: OUTCOME.inDoubt })
  t.match(await again.ask(KIND.get, 'n'), { error: ERROR.KEY_NOT_FOUND })
})

t.test('an id from a clock too far ahead is refused, and nothing done', async (t) => {
  const replica = await open(t)
  const answer = await replica.set('k', 'v', Version.of(Date.now() + 3_600_000, 0, 1))
  t.match(answer, { outcome: OUTCOME.failed, error: ERROR.CLOCK_TOO_FAR })
  t.match(await replica.ask(KIND.get, 'k'), { error: ERROR.KEY_NOT_FOUND })
})

t.test('a retry is known although the wall clock was set back over a restart', async (t) => {
  const folder = temporaryFolder(t)
  const replica = await Replica.open(folder)
  const request = requestNow()
  const first = await replica.set('k', 'v', request)
  await replica.store.close()
  const again = await Replica.open(folder, () => Date.now() - 10_000)
  t.teardown(() => again.store.close())
  t.same(await again.set('k', 'v', request, 1), first)
  t.match(await again.set('k', 'v', requestNow()), { error: ERROR.CLOCK_TOO_FAR })
})

t.test('a clock that is still ahead after a crash gives no version twice', async (t) => {
  const folder = temporaryFolder(t)
  const ahead = await Replica.open(folder, () => Date.now() + 10_000)
  await ahead.set('k', 'v')
  await ahead.store.close()
  const replica = await Replica.open(folder)
  t.teardown(() => replica.store.close())
  const items = [{ key: Buffer.from('k'), value: Buffer.from('v'), valueType: VALUE_TYPE.raw, ttlMs: 0 }]
  const behind = (counter: number) => Version.of(Date.now() - 1000, counter, 9)
  for (let round = 0; round < 10; round += 2) {
    await replica.set('k', 'first')
    await replica.set('k', 'second', behind(round))
    const third = await replica.set('k', 'third')
    t.match(await replica.ask(KIND.get, 'k'), { value: 'third', version: third.version })
    await replica.ask(KIND.batch, '', '', behind(round + 1), 0, (operation) => {
      operation.batch = items
    })
    const last = await replica.set('k', 'last')
    t.match(await replica.ask(KIND.get, 'k'), { value: 'last', version: last.version }, 'after a batch')
  }
})

t.test('of many creates at once exactly one wins', async (t) => {
  const replica = await open(t)
  const values = Array.from({ length: 50 }, (_, index) => `value ${index}`)
  const answers = await Promise.all(values.map((value) => replica.ask(KIND.create, 'k', value)))
  const winners = answers.filter((answer) => answer.outcome === OUTCOME.ok)
  t.equal(winners.length, 1)
  t.equal(answers.filter((answer) => answer.error === ERROR.KEY_EXISTS).length, 49)
  t.equal(await replica.read('k'), 'value 0', 'the first')
})

t.test('nothing is told before it is durable', async (t) => {
  const replica = await open(t)
  const writing = replica.set('k', 'v')
  t.notOk(replica.answered, 'a write')
  const reading = replica.ask(KIND.get, 'k')
  t.notOk(replica.answered, 'a read of it')
  const creating = replica.ask(KIND.create, 'k', 'x')
  t.notOk(replica.answered, 'a create that finds it')
  await Promise.all([writing, reading, creating])
  const deleting = replica.ask(KIND.delete, 'k')
  t.notOk(replica.answered, 'a delete')
  const again = replica.ask(KIND.delete, 'k')
  t.notOk(replica.answered, 'a delete that finds it deleted')
  t.match(await deleting, { outcome: OUTCOME.ok, exists: true })
  t.match(await again, { outcome: OUTCOME.ok, exists: false })
  await replica.ask(KIND.delete, 'never there')
  t.match(await replica.ask(KIND.get, 'k'), { error: ERROR.KEY_NOT_FOUND })
})

t.test('a delete of a lower level waits for what it tells of', async (t) => {
  const replica = await open(t)
  const deleteAtMemory = () =>
    replica.ask(KIND.delete, 'k', '', new Version(), 0, (operation) => {
      operation.durability = DURABILITY.memory
    })
  const setting = replica.set('k', 'v')
  const deleting = deleteAtMemory()
  t.notOk(replica.answered, 'there was a value')
  t.match(await deleting, { outcome: OUTCOME.ok, exists: true })
  await setting
  await replica.set('k', 'v')
  const sure = replica.ask(KIND.delete, 'k')
  const again = deleteAtMemory()
  t.notOk(replica.answered, 'there was none')
  t.match(await again, { outcome: OUTCOME.ok, exists: false })
  await sure
  await replica.set('k', 'v')
  deleteAtMemory()
  t.ok(replica.answered, 'nothing to wait for')
})
