/** A large value that cannot be stored any more: the stream it came by stays in step. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { KeyHash } from '@minivault/codec'
import { BLOB_PIECE_BYTES, type IntakeListener, Store } from '@minivault/storage'
import t from 'tap'
import { IncomingValue } from '../src/door/incoming-value.ts'
import type { Wire } from '../src/door/session.ts'
import type { SessionContext } from '../src/door/session-context.ts'
import { Operation } from '../src/key-value.ts'
import { until } from './support/large-transfers.ts'
import { temporaryFolder } from './support/server.ts'

/** All buffers but one. */
const OTHERS = 63
const SIZE = 6 * BLOB_PIECE_BYTES

t.test('what waited for room when the disk failed has come all the same', async (t) => {
  const directory = temporaryFolder(t)
  const store = await Store.open({ directory })
  t.teardown(() => store.close())
  writeFileSync(join(directory, 'blobs'), 'no file can be made here')
  const { streams } = store
  const nobody: IntakeListener = { room: () => {}, staged: () => {}, failed: () => {} }
  const bytes = Buffer.alloc(2 * BLOB_PIECE_BYTES, 'v')
  for (let i = 0; i < OTHERS; i++) streams.takeIn(new KeyHash(), SIZE, nobody).write(bytes, 0, 10)
  let waits = 0
  const wire = { wait: () => waits++, goOn: () => waits-- } as unknown as Wire
  const context = { operation: new Operation(), streams } as unknown as SessionContext
  const value = new IncomingValue(context, wire, SIZE)
  value.write(bytes, 0, bytes.length)
  t.equal(waits, 1)
  t.ok(await until(() => value.failure !== null))
  t.equal(value.missing, SIZE - bytes.length)
  t.equal(waits, 0)
})
