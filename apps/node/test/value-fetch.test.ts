/** Files of large values between members, over each of the ways that members speak. */
import { KeyHash } from '@minivault/codec'
import type { BlobValue } from '@minivault/storage'
import t from 'tap'
import { ValueFetcher } from '../src/peers/value-fetcher.ts'
import { systemTime } from '../src/time.ts'
import { startPeer } from './support/peer-nodes.ts'

const BYTES = 5 * 1024 * 1024 + 7

t.test('the bytes come whole, or not at all, and only to whom has the key', async (t) => {
  const holder = await startPeer(t, { authKey: 'sesame', authMode: 'none' })
  const taker = await startPeer(t)
  const { streams, engine } = taker.node.store
  const hash = new KeyHash()
  const value = new Uint8Array(BYTES).map((_, index) => index * 31 + (index >> 10))
  const blob = (await holder.node.store.engine.large.stage(hash, value)) as BlobValue
  const fetcherWith = (authKey: string | null) => {
    const fetcher = new ValueFetcher({ name: 'localhost:1', authKey, tls: null, streams, time: systemTime })
    t.teardown(() => fetcher.close())
    return fetcher
  }
  const fetcher = fetcherWith('sesame')
  const stranger = fetcherWith(null)
  for (const way of ['127.0.0.1:', 'http://127.0.0.1:']) {
    const member = `${way}${holder.node.port}`
    const fetched = await fetcher.fetch(member, hash, blob)
    t.match(fetched, { size: BYTES, checksums: blob.checksums })
    t.equal(Buffer.compare(await engine.blobs.read(fetched), value), 0, way)
    const other = { ...blob, checksums: `0000000000000000${blob.checksums.slice(16)}` }
    await t.rejects(fetcher.fetch(member, hash, other), `${way} another content`)
    const gone = { ...blob, name: blob.name.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')) }
    await t.rejects(fetcher.fetch(member, hash, gone), `${way} no such file`)
    await t.rejects(stranger.fetch(member, hash, blob), /UNAUTHORIZED|401/, `${way} a stranger`)
  }
  await t.rejects(fetcher.fetch('127.0.0.1:1', hash, blob), /ECONNREFUSED/)
  t.equal(streams.intakeCount, 0, 'nothing is left open')
})
