/** Signals, silence, floods of headers: how a node begins, ends, and bears bad company. */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { BinaryClient, get, health, keyed, set } from './support/binary-client.ts'
import { startServer, temporaryFolder } from './support/server.ts'

t.test('the ready line tells ports, folder, durability and whether clients are checked', async (t) => {
  const open = await startServer(t)
  t.match(
    open.readyLine,
    /binary\+http\+resp on http:\/\/localhost:\d+ · data .* · durability fsync · clients are not checked/,
  )
  t.match(open.stderr(), /everybody who reaches this machine/)
  const checked = await startServer(t, [
    '-auth',
    'k',
    '-authmode',
    'all',
    '-host',
    '127.0.0.1',
    '-durability',
    'os',
  ])
  t.match(checked.readyLine, /durability os · authentication for all/)
  t.notMatch(checked.stderr(), /everybody/)
})

t.test('SIGTERM answers what is under way, keeps it, and ends with 0', async (t) => {
  const folder = temporaryFolder(t)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const server = await startServer(t, ['-data', folder])
    const idle = new BinaryClient(server.port)
    await idle.one(health())
    const client = new BinaryClient(server.port)
    const writing = client.send(
      ...Array.from({ length: 500 }, (_, index) => set(`${signal}${index}`, `${index}`)),
    )
    const first = await Promise.race([writing, sleep(1).then(() => null)])
    server.child.kill(signal)
    const replies = first ?? (await writing.catch(() => []))
    const ended = await server.ended
    t.equal(ended.code, 0, signal)
    const again = await startServer(t, ['-data', folder])
    const reader = new BinaryClient(again.port)
    const kept = await reader.send(...replies.map((_, index) => get(`${signal}${index}`)))
    t.ok(kept.every((reply, index) => replies[index]!.status !== 0 || reply.data.toString() === `${index}`))
    reader.close()
    again.child.kill('SIGTERM')
    t.equal((await again.ended).code, 0)
  }
})

t.test('keep-alive connections do not delay the end', async (t) => {
  const server = await startServer(t)
  const socket = net.connect(server.port, '127.0.0.1')
  socket.write('GET /a HTTP/1.1\r\nHost: x\r\n\r\n')
  await new Promise((resolve) => socket.once('data', resolve))
  const started = performance.now()
  server.child.kill('SIGTERM')
  t.equal((await server.ended).code, 0)
  t.ok(performance.now() - started < 5000)
})

t.test('a second signal ends at once', async (t) => {
  const server = await startServer(t)
  const socket = net.connect(server.port, '127.0.0.1')
  socket.write('PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{')
  await sleep(100)
  server.child.kill('SIGTERM')
  await sleep(300)
  server.child.kill('SIGTERM')
  t.equal((await server.ended).code, 130)
})

t.test('other data formats are refused in one line', async (t) => {
  const folder = temporaryFolder(t)
  const server = await startServer(t, ['-data', folder])
  server.child.kill('SIGTERM')
  await server.ended
  const format = join(folder, 'FORMAT')
  writeFileSync(format, readFileSync(format, 'utf8').replace(/\d/, '9'))
  const { run } = await import('./support/server.ts')
  const ended = await run(['-port', '0', '-data', folder]).ended
  t.equal(ended.code, 1)
  t.equal(ended.stderr.trimEnd().split('\n').length, 1)
  t.match(ended.stderr, /format 9, this program reads format 1: a newer minivault wrote it/)
})

t.test('announced sizes and half requests take no memory and harm nobody', async (t) => {
  const server = await startServer(t)
  const before = rssMegabytes(server.child.pid!)
  const sockets: net.Socket[] = []
  for (let index = 0; index < 500; index++) {
    const socket = net.connect(server.port, '127.0.0.1').on('error', () => {})
    const announced = Buffer.concat([set(`k${index}`, 'part', 0, 100 * 1024 * 1024)])
    socket.write(index % 2 ? announced : keyed(0x02, 'key').subarray(0, 4))
    sockets.push(socket)
  }
  await sleep(500)
  const client = new BinaryClient(server.port)
  t.same(
    (await client.send(set('a', '1'), get('a'))).map((reply) => reply.data.toString()),
    ['', '1'],
  )
  const grown = rssMegabytes(server.child.pid!) - before
  t.ok(grown < 80, `500 announcements of 100 MB took ${grown} MB`)
  for (const socket of sockets) socket.destroy()
  client.close()
})

t.test('a client that does not read its replies is not read from', async (t) => {
  const server = await startServer(t, ['-durability', 'memory'])
  const writer = new BinaryClient(server.port)
  await writer.one(set('large', Buffer.alloc(500_000, 'x')))
  const before = rssMegabytes(server.child.pid!)
  const greedy = net.connect(server.port, '127.0.0.1').on('error', () => {})
  greedy.pause()
  const request = get('large')
  for (let index = 0; index < 4000; index++) greedy.write(request)
  await sleep(1000)
  const grown = rssMegabytes(server.child.pid!) - before
  t.ok(grown < 100, `4,000 unread replies of 500 KB took ${grown} MB`)
  t.equal((await writer.one(get('large'))).data.length, 500_000, 'others are served')
  greedy.destroy()
  writer.close()
})

function rssMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024
}

t.test('the base64 upload of the first document, as printed', async (t) => {
  const server = await startServer(t)
  const folder = temporaryFolder(t)
  for (const bytes of [300, 60_000]) {
    const content = Buffer.from(Array.from({ length: bytes }, (_, index) => (index * 31) & 255))
    writeFileSync(join(folder, 'file.jpg'), content)
    const script = `curl -s -X PUT ${server.url}/file.jpg \\
  -H "Content-Type: application/json" \\
  -d "{\\"value\\": \\"$(base64 file.jpg)\\"}"`
    const curl = spawnSync('bash', ['-c', script], { cwd: folder, encoding: 'utf8' })
    t.equal(curl.stdout, '{"success":true}')
    const answer = (await (await fetch(`${server.url}/file.jpg`)).json()) as { data: string }
    t.ok(Buffer.from(answer.data, 'base64').equals(content), `${bytes} bytes`)
  }
})
