/**
 * Batches with conditions, by the port: judged in the turn in which they are applied, all or nothing, nothing
 * left behind; and of many that race, no effect of any is lost.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Version } from '@minivault/clock'
import { hashKey, KeyHash } from '@minivault/codec'
import { ERROR, OUTCOME } from '@minivault/protocol'
import { DURABILITY, VALUE_TYPE } from '@minivault/storage'
import t, { type Test } from 'tap'
import { type BatchCondition, type BatchItem, KIND } from '../src/key-value.ts'
import { until } from './support/http-client.ts'
import { Replica } from './support/replica.ts'
import { temporaryFolder } from './support/server.ts'

const ABSENT = ''

function set(key: string, value: string | Uint8Array): BatchItem {
  return { key: Buffer.from(key), value: Buffer.from(value), valueType: VALUE_TYPE.raw, ttlMs: 0 }
}

function when(key: string, version: string): BatchCondition {
  return { key: Buffer.from(key), version: version === ABSENT ? new Version() : Version.parse(version) }
}

function batch(replica: Replica, items: BatchItem[], conditions: BatchCondition[], durability = 2) {
  return replica.ask(KIND.batch, '', '', undefined, 0, (operation) => {
    operation.batch = items
    operation.conditions = conditions
    operation.durability = durability as typeof operation.durability
  })
}

async function open(t: Test): Promise<{ replica: Replica; folder: string }> {
  const folder = temporaryFolder(t)
  const replica = await Replica.open(folder)
  t.teardown(() => replica.store.close())
  return { replica, folder }
}

t.test('all or nothing, by the versions that are there', async (t) => {
  const { replica } = await open(t)
  const { version } = await replica.set('there', '1')
  const other = await replica.set('other', '1')
  const mismatch = { outcome: OUTCOME.no, error: ERROR.VERSION_MISMATCH }
  t.match(await batch(replica, [set('a', '1'), set('there', '2')], [when('there', other.version)]), mismatch)
  t.match(await batch(replica, [set('a', '1')], [when('there', version), when('other', ABSENT)]), mismatch)
  t.match(await batch(replica, [set('a', '1')], [when('nothing', version)]), mismatch)
  t.equal(await replica.read('a'), '')
  t.equal(await replica.read('there'), '1')
  const good = [when('there', version), when('a', ABSENT), when('other', other.version)]
  t.match(await batch(replica, [set('a', '1'), set('there', '2')], good), { outcome: OUTCOME.ok })
  t.equal(await replica.read('a'), '1')
  t.equal(await replica.read('there'), '2')
  t.match(await batch(replica, [set('a', '2')], good), mismatch, 'and not again')
  await replica.ask(KIND.delete, 'a')
  t.match(await batch(replica, [], [when('a', ABSENT), when('other', other.version)]), {
    outcome: OUTCOME.ok,
  })
  t.match(await batch(replica, [], [when('other', version)]), mismatch, 'conditions alone')
})

t.test(
  'a value with a file of its own is judged when it is there, and goes where it is refused',
  async (t) => {
    const { replica, folder } = await open(t)
    const large = Buffer.alloc(2_000_000, 7)
    const { version } = await replica.set('k', '1')
    const asked = batch(replica, [set('k', large), set('beside', '1')], [when('k', version)])
    await replica.set('k', 'between')
    t.match(await asked, { error: ERROR.VERSION_MISMATCH }, 'it was there while the file was written')
    t.equal(await replica.read('k'), 'between')
    t.equal(await replica.read('beside'), '')
    await until(() => filesBelow(join(folder, 'blobs')).length === 0)
    const again = await replica.ask(KIND.get, 'k')
    t.match(await batch(replica, [set('k', large)], [when('k', again.version)]), { outcome: OUTCOME.ok })
    t.equal((await replica.store.get('k'))?.length, large.length)
  },
)

function hashOf(key: string): KeyHash {
  const hash = new KeyHash()
  hashKey(Buffer.from(key), 0, key.length, hash)
  return hash
}

function filesBelow(folder: string): string[] {
  const all = readdirSync(folder, { recursive: true, withFileTypes: true })
  return all.filter((entry) => entry.isFile()).map(({ name }) => name)
}

t.test('what was seen is as durable as it was asked to be before the answer tells of it', async (t) => {
  const { replica } = await open(t)
  const written = replica.set('k', '1')
  const { version } = replica.store.locate(Buffer.from('k'), 0, 1, hashOf('k'))
  let isWritten = false
  const asked = batch(replica, [set('a', '1')], [when('k', version.toString())], DURABILITY.memory)
  written.then(() => {
    isWritten = true
  })
  t.match(await asked, { outcome: OUTCOME.ok })
  t.ok(isWritten, 'the record of fsync that the condition saw')
})

t.test('of many that race on two keys none is lost', async (t) => {
  const { replica } = await open(t)
  await replica.set('from', '1000')
  await replica.set('to', '0')
  let refusals = 0
  const move = async () => {
    for (;;) {
      const from = await replica.ask(KIND.get, 'from')
      const to = await replica.ask(KIND.get, 'to')
      const items = [set('from', String(Number(from.value) - 1)), set('to', String(Number(to.value) + 1))]
      const conditions = [when('from', from.version), when('to', to.version)]
      if ((await batch(replica, items, conditions, DURABILITY.memory)).outcome === OUTCOME.ok) return
      refusals += 1
    }
  }
  await Promise.all(Array.from({ length: 40 }, async () => Promise.all([move(), move(), move()])))
  t.equal(await replica.read('from'), '880')
  t.equal(await replica.read('to'), '120')
  t.ok(refusals > 0, `${refusals} were refused`)
})
