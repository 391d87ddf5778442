/** A large value on its way out does not expire while its client is slow, or its turn has not come. */
import { BLOB_PIECE_BYTES, PieceBuffers, Store } from '@minivault/storage'
import t from 'tap'
import type { ByteSocket } from '../src/door/byte-socket.ts'
import { OutgoingValue } from '../src/door/outgoing-value.ts'
import type { PieceReply } from '../src/door/piece-reply.ts'
import { SlicePool } from '../src/door/slice-pool.ts'
import { temporaryFolder } from './support/server.ts'

t.test('a value that waits is not forgotten by the store', async (t) => {
  const store = await Store.open({ directory: temporaryFolder(t) })
  t.teardown(() => store.close())
  await store.set('k', Buffer.alloc(2 * BLOB_PIECE_BYTES, 'v'))
  const stream = (await store.getStream('k'))!
  const memory = { pieces: new PieceBuffers(BLOB_PIECE_BYTES, 2, 2), slices: new SlicePool() }
  const value = new OutgoingValue(stream, {} as PieceReply, {} as ByteSocket, memory, () => {})
  value.rest()
  // What the store asks at each of its sweeps.
  t.same([stream.takeTouched(), stream.takeTouched(), stream.takeTouched()], [true, true, true])
  value.cancel()
})
