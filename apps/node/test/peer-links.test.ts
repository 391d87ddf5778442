/** The contract of links between members, over each of the ways that batches take. */
import { createServer, type Server as NetServer, connect as netConnect, type Socket } from 'node:net'
import { Authority } from '@minivault/certificates'
import { ERROR } from '@minivault/protocol'
import t, { type Test } from 'tap'
import { PEER_TURNS_MAX } from '../src/limits.ts'
import type { Node } from '../src/node.ts'
import { systemTime } from '../src/time.ts'
import { openLinks, type Peer, send, startPeer, until } from './support/peer-nodes.ts'
import { temporaryFolder } from './support/server.ts'

const WAYS = { frames: '127.0.0.1:', http: 'http://127.0.0.1:' } as const
type Way = keyof typeof WAYS

const nameOf = (way: Way, { port }: Pick<Node, 'port'>) => `${WAYS[way]}${port}`

/** A peer and a link to it that is connected. */
async function connect(t: Test, way: Way, options: Parameters<typeof openLinks>[1] = {}) {
  const peer = await startPeer(t)
  const links = openLinks(t, options)
  const link = links.linkTo(nameOf(way, peer.node))
  await until(() => link.status.isConnected, 'connected')
  return { peer, links, link }
}

const numbered = (count: number, width = 0) =>
  Array.from({ length: count }, (_, index) => `${index}`.padEnd(width, '.'))

/** Accepts, and keeps what was accepted; answers nothing. */
async function listenSilently(t: Test): Promise<{ server: NetServer; sockets: Socket[]; port: number }> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.resume()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { server, sockets, port: (server.address() as { port: number }).port }
}

/** Stands between a member and a peer; it can keep what the peer answers. */
async function startProxy(t: Test, target: number) {
  const sockets: Socket[] = []
  const answering: Socket[] = []
  const proxy = {
    port: 0,
    holdAnswers: false,
    release() {
      proxy.holdAnswers = false
      for (const socket of answering) socket.resume()
    },
  }
  const server = createServer((socket) => {
    const onward = netConnect(target, '127.0.0.1')
    sockets.push(socket, onward)
    answering.push(onward)
    socket.on('data', (bytes) => {
      if (proxy.holdAnswers) onward.pause()
      onward.write(bytes)
    })
    onward.on('data', (bytes) => socket.write(bytes))
    for (const end of [socket, onward]) end.on('error', () => {})
    socket.on('close', () => onward.destroy())
    onward.on('close', () => socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  proxy.port = (server.address() as { port: number }).port
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return proxy
}

for (const way of Object.keys(WAYS) as Way[]) {
  t.test(way, async (t) => {
    t.test('what is sent in a turn is one batch, in its order', async (t) => {
      const { peer, link } = await connect(t, way)
      send(link, ...numbered(100))
      await until(() => peer.receiver.texts.length === 100, 'the first turn')
      send(link, 'another')
      await until(() => peer.receiver.texts.length === 101, 'the second turn')
      t.same(peer.receiver.batches, [
        { kind: 0, texts: numbered(100) },
        { kind: 0, texts: ['another'] },
      ])
      await until(() => link.status.unsentBytes === 0 && link.status.offsetMs !== null, 'the answers')
      const { offsetMs, roundTripMs, refusal, lastError, dropped, unsentBytes } = link.status
      t.ok(Math.abs(offsetMs!) <= roundTripMs / 2 + 1, `the same clock: ${offsetMs} of ${roundTripMs}`)
      t.same(
        { refusal, lastError, dropped, unsentBytes },
        { refusal: '', lastError: '', dropped: 0, unsentBytes: 0 },
      )
    })

    t.test('what is sent before there is a connection leaves with it', async (t) => {
      const peer = await startPeer(t)
      const link = openLinks(t).linkTo(nameOf(way, peer.node))
      send(link, 'early')
      await until(() => peer.receiver.texts.length === 1, 'it came')
      t.equal(link.status.nodeId, peer.node.store.nodeId)
    })

    t.test('a first start is a batch of its own', async (t) => {
      const { peer, link } = await connect(t, way)
      const question = { kind: 'whose', asking: 7, clusterId: null } as const
      send(link, 'before')
      link.sendStart(question)
      send(link, 'behind')
      await until(() => peer.receiver.batches.length === 3, 'three batches')
      t.same(
        peer.receiver.batches.map(({ kind, texts }) => [kind, ...texts]).sort(),
        [
          [0, 'before'],
          [0, 'behind'],
          [1, JSON.stringify(question)],
        ].sort(),
      )
    })

    t.test('large ones, and many at once', async (t) => {
      const { peer, link } = await connect(t, way)
      const large = 'x'.repeat(3_000_000)
      const many = numbered(5000, 1000)
      send(link, large, ...many)
      await until(() => peer.receiver.texts.length === 5001, 'all came')
      t.ok(peer.receiver.texts.includes(large))
      t.same(peer.receiver.texts.filter((text) => text !== large).sort(), [...many].sort())
      t.equal(link.status.dropped, 0)
    })

    t.test('no more batches without an answer than workers; what comes meanwhile joins', async (t) => {
      const peer = await startPeer(t)
      const proxy = await startProxy(t, peer.node.port)
      const link = openLinks(t, { workers: 2 }).linkTo(`${WAYS[way]}${proxy.port}`)
      await until(() => link.status.isConnected, 'connected')
      proxy.holdAnswers = true
      for (let sent = 0; sent < 10; sent++) {
        send(link, `${sent}`)
        if (sent < 2) await until(() => peer.receiver.batches.length === sent + 1, 'a batch')
        else await new Promise(setImmediate)
      }
      t.ok(link.status.unsentBytes > 0)
      proxy.release()
      await until(() => peer.receiver.texts.length === 10, 'all came')
      t.equal(peer.receiver.batches.length, 3)
      t.same(peer.receiver.batches[2]!.texts, numbered(10).slice(2))
    })

    t.test('what comes turn after turn leaves together', async (t) => {
      const { peer, link } = await connect(t, way)
      for (let sent = 0; sent < PEER_TURNS_MAX - 1; sent++) {
        send(link, `${sent}`)
        await new Promise(setImmediate)
      }
      await until(() => peer.receiver.texts.length === PEER_TURNS_MAX - 1, 'all came')
      t.equal(peer.receiver.batches.length, 1)
    })

    t.test('each batch is answered, though answers leave together', async (t) => {
      const peer = await startPeer(t)
      const link = openLinks(t, { workers: 3 }).linkTo(nameOf(way, peer.node))
      for (let sent = 0; sent < 30; sent++) {
        send(link, `${sent}`)
        for (let turn = 0; turn < PEER_TURNS_MAX; turn++) await new Promise(setImmediate)
      }
      await until(() => peer.receiver.texts.length === 30, 'all came')
      t.equal(link.status.dropped, 0)
    })

    t.test('a refusal is told in words, once, and its end', async (t) => {
      const { peer, links, link } = await connect(t, way)
      peer.receiver.refusal = { error: ERROR.PEER_REFUSED, words: 'another cluster' }
      send(link, 'one', 'two')
      await until(() => link.status.refusal !== '', 'refused')
      t.equal(link.status.refusal, 'PEER_REFUSED: another cluster')
      t.equal(link.status.dropped, 2)
      send(link, 'three')
      await until(() => link.status.dropped === 3, 'refused again')
      peer.receiver.refusal = null
      send(link, 'four')
      await until(() => link.status.refusal === '', 'taken')
      t.same(peer.receiver.texts, ['four'])
      t.same(
        links.log.map(({ message }) => message),
        ['connected to the peer', 'refused by the peer', 'the peer takes batches again'],
      )
    })

    t.test('what a peer cannot read ends its connection, and nobody else is harmed', async (t) => {
      const { peer, link } = await connect(t, way)
      const other = openLinks(t, { name: 'localhost:2' }).linkTo(nameOf(way, peer.node))
      send(other, 'before')
      await until(() => peer.receiver.texts.length === 1, 'the other one')
      peer.receiver.refusal = { error: ERROR.BAD_REQUEST, words: 'no batch' }
      send(link, 'garbage')
      await until(() => link.status.refusal === 'BAD_REQUEST: no batch', 'refused')
      peer.receiver.refusal = null
      await until(() => link.status.isConnected, 'dialled again')
      send(link, 'again')
      send(other, 'behind')
      await until(() => peer.receiver.texts.length === 3, 'both')
      t.equal(other.status.lastError, '')
    })

    t.test('the key of the cluster', async (t) => {
      const peer = await startPeer(t, { authKey: 'sesame', authMode: 'none' })
      const name = nameOf(way, peer.node)
      const right = openLinks(t, { authKey: 'sesame' }).linkTo(name)
      send(right, 'x'.repeat(10_000))
      await until(() => peer.receiver.texts.length === 1, 'the right one')
      for (const authKey of ['wrong', null]) {
        const link = openLinks(t, { authKey }).linkTo(name)
        send(link, 'y'.repeat(10_000))
        await until(() => link.status.refusal !== '', 'refused')
        t.match(link.status.refusal, /^UNAUTHORIZED: the authentication key is missing or wrong/)
      }
      t.equal(peer.receiver.texts.length, 1)
    })

    t.test('a node that is in no cluster', async (t) => {
      const { node } = await startPeer(t, { peers: null })
      const link = openLinks(t).linkTo(nameOf(way, node))
      send(link, 'anybody')
      await until(() => link.status.refusal !== '', 'refused')
      t.equal(link.status.refusal, 'UNSUPPORTED: this node is in no cluster')
    })

    t.test('a peer that was away is dialled again; what waited too long is dropped', async (t) => {
      const directory = temporaryFolder(t)
      const peer = await startPeer(t, { directory })
      const { port } = peer.node
      const links = openLinks(t)
      const link = links.linkTo(nameOf(way, peer.node))
      await until(() => link.status.isConnected, 'connected')
      await peer.node.close()
      send(link, 'lost')
      await until(() => link.status.dropped === 1 && !link.status.isConnected, 'dropped')
      t.not(link.status.lastError, '')
      const back: Peer = await startPeer(t, { port, directory })
      await until(() => link.status.isConnected, 'back')
      send(link, 'found')
      await until(() => back.receiver.texts.length === 1, 'it came')
      t.same(back.receiver.texts, ['found'])
      t.same(
        links.log.map(({ message }) => message).filter((message) => message === 'connected to the peer')
          .length,
        2,
      )
    })

    t.test('waiting bytes are bounded: the oldest are dropped', async (t) => {
      const { port } = await listenSilently(t)
      const link = openLinks(t).linkTo(`${WAYS[way]}${port}`)
      const mebibyte = 'z'.repeat(1024 * 1024)
      for (let index = 0; index < 40; index++) send(link, mebibyte)
      t.ok(link.status.unsentBytes <= 18 * 1024 * 1024, `${link.status.unsentBytes} bytes`)
      t.ok(link.status.dropped >= 22, `${link.status.dropped} dropped`)
    })

    t.test('a peer that says nothing is given up, connecting or connected', async (t) => {
      let hurry = 0
      const time = { ...systemTime, elapsedMs: () => systemTime.elapsedMs() + hurry }
      const silent = await listenSilently(t)
      const deaf = openLinks(t, { time }).linkTo(`${WAYS[way]}${silent.port}`)
      send(deaf, 'hello')
      await until(() => silent.sockets.length === 1, 'accepted')
      hurry += 6000
      await until(() => deaf.status.lastError !== '', 'given up')
      t.match(deaf.status.lastError, /in time/)
      await until(() => silent.sockets.length > 1, 'dialled again')
    })

    t.test('closed while sending: nothing is left, nothing fails', async (t) => {
      const { peer, links, link } = await connect(t, way)
      send(link, ...numbered(100, 1000))
      links.close()
      send(link, 'too late')
      await until(() => peer.receiver.texts.length === 100, 'what had been sent')
      t.notOk(peer.receiver.texts.includes('too late'))
    })
  })
}

t.test('members with certificates speak TLS, and look at who answers', async (t) => {
  const authority = new Authority(t)
  const issued = authority.issue('node')
  const tls = { certFile: issued.certFile, keyFile: issued.keyFile, caFile: authority.file }
  const peer = await startPeer(t, { tls })
  const links = openLinks(t, { tls })
  const names = [`localhost:${peer.node.port}`, `https://localhost:${peer.node.port}`]
  for (const name of names) {
    const link = links.linkTo(name)
    send(link, name, 'x'.repeat(400_000))
    await until(() => peer.receiver.texts.includes(name), name)
  }
  await until(() => peer.receiver.texts.length === 4, 'the large ones')
  const other = new Authority(t)
  const foreign = other.issue('foreign')
  const strangers = openLinks(t, {
    tls: { certFile: foreign.certFile, keyFile: foreign.keyFile, caFile: other.file },
  })
  for (const name of names) {
    const stranger = strangers.linkTo(name)
    await until(() => stranger.status.lastError !== '', 'refused')
    t.match(stranger.status.lastError, /unable to verify|self.signed/)
  }
  const plain = openLinks(t).linkTo(names[0]!)
  await until(() => plain.status.refusal !== '', 'refused')
  t.match(plain.status.refusal, /^TLS_REQUIRED: this port speaks TLS only/)
  const unprotected = await startPeer(t)
  const eager = links.linkTo(`localhost:${unprotected.node.port}`)
  await until(() => eager.status.lastError !== '', 'no TLS there')
  t.match(eager.status.lastError, /wrong version number|packet length too long/)
})
