/** How a shown key is compared: in constant time, by what has always the same length. */
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { authProof, isAuthProof } from '@minivault/protocol'
import t from 'tap'
import { Credentials } from '../src/admission/credentials.ts'

t.test('every comparison goes through timingSafeEqual, with 32 bytes on both sides', async (t) => {
  const { timingSafeEqual } = crypto
  const lengths: number[][] = []
  crypto.timingSafeEqual = (a, b) => {
    lengths.push([a.byteLength, b.byteLength])
    return timingSafeEqual(a, b)
  }
  syncBuiltinESMExports()
  t.teardown(() => {
    crypto.timingSafeEqual = timingSafeEqual
    syncBuiltinESMExports()
  })
  const key = Buffer.from('the key')
  const credentials = new Credentials(key.toString())
  const shown = ['', 't', 'the ke', 'the key', 'the key ', 'x'.repeat(60_000)]
  t.same(
    shown.map((one) => credentials.matches(Buffer.from(one))),
    [false, false, false, true, false, false],
  )
  const server = Buffer.alloc(16, 1)
  const client = Buffer.alloc(16, 2)
  const proof = authProof(key, server, client)
  t.ok(isAuthProof(proof, key, server, client))
  t.notOk(isAuthProof(Buffer.alloc(32), key, server, client))
  t.equal(lengths.length, shown.length + 2)
  t.ok(lengths.every(([a, b]) => a === 32 && b === 32))
  // Another length is no secret: a proof has 32 bytes.
  t.notOk(isAuthProof(proof.subarray(1), key, server, client))
})
