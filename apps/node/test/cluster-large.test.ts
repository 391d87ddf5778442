/** Large values in a cluster of real processes: written to one node, read from another, in bounded memory. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import t from 'tap'
import { TestCluster } from './support/cluster.ts'

const MEBIBYTE = 1024 * 1024
const MEMORY_BYTES_MAX = 256 * MEBIBYTE
const RAW = { 'Content-Type': 'application/octet-stream', Accept: 'application/octet-stream' }

interface Told {
  status: number
  bytes: number
  digest: string
  version: string
}

/** A value of which each piece is the one before, hashed. */
function* piecesOf(size: number, seed: string): Iterable<Buffer> {
  let block = createHash('sha256').update(seed).digest()
  for (let left = size; left > 0; ) {
    const piece = Buffer.alloc(Math.min(left, 65_536), block)
    left -= piece.length
    block = createHash('sha256').update(block).digest()
    yield piece
  }
}

function digestOf(pieces: Iterable<Uint8Array>): string {
  const hash = createHash('sha256')
  for (const piece of pieces) hash.update(piece)
  return hash.digest('hex')
}

function ask(port: number, method: string, key: string, body: Iterable<Buffer> = [], more = {}) {
  return new Promise<Told>((resolve, reject) => {
    const headers = { ...RAW, ...more }
    const request = http.request({ port, host: '127.0.0.1', path: `/${key}`, method, headers, agent: false })
    request.on('error', reject)
    request.on('response', (response) => {
      const hash = createHash('sha256')
      let bytes = 0
      response.on('data', (piece: Buffer) => {
        bytes += piece.length
        hash.update(piece)
      })
      response.on('error', reject)
      response.on('end', () => {
        const version = `${response.headers['minivault-version'] ?? ''}`
        resolve({ status: response.statusCode ?? 0, bytes, digest: hash.digest('hex'), version })
      })
    })
    const pieces = body[Symbol.iterator]()
    const push = () => {
      for (let next = pieces.next(); !next.done; next = pieces.next()) {
        if (request.write(next.value)) continue
        request.once('drain', push)
        return
      }
      request.end()
    }
    push()
  })
}

/** The most that the process ever had. */
function peakBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) * 1024
}

t.test('100 MB on one node, read from the others', async (t) => {
  const cluster = await TestCluster.start(t)
  const [first, second, third] = [cluster.nodes[0]!, cluster.nodes[1]!, cluster.nodes[2]!]
  const size = 100_000_000
  const digest = digestOf(piecesOf(size, 'a'))
  const written = await ask(first.port, 'PUT', 'large', piecesOf(size, 'a'), { 'Content-Length': size })
  t.equal(written.status, 200)
  for (const { port } of [second, third, first]) {
    const read = await ask(port, 'GET', 'large')
    t.same({ ...read }, { status: 200, bytes: size, digest, version: written.version }, `${port}`)
  }
  const range = await ask(third.port, 'GET', 'large', [], { Range: 'bytes=99999990-' })
  t.match(range, { status: 206, bytes: 10 })
  t.match(await ask(second.port, 'HEAD', 'large'), { status: 200, bytes: 0, version: written.version })
  t.equal((await ask(second.port, 'POST', 'large', piecesOf(600_000, 'b'))).status, 409)
  const other = digestOf(piecesOf(3_000_000, 'c'))
  t.equal((await ask(second.port, 'PUT', 'large', piecesOf(3_000_000, 'c'))).status, 200)
  t.match(await ask(first.port, 'GET', 'large'), { status: 200, digest: other })
  t.equal((await ask(third.port, 'DELETE', 'large')).status, 200)
  t.equal((await ask(first.port, 'GET', 'large')).status, 404)
  if (process.platform !== 'linux') return
  for (const { child, name } of cluster.nodes) {
    const peak = peakBytes(child.pid!)
    t.ok(peak <= MEMORY_BYTES_MAX, `${name}: ${Math.round(peak / MEBIBYTE)} MiB`)
  }
})
