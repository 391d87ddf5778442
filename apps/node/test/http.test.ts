/** The HTTP table, row by row, against the spawned program; bytes are compared, not parsed values. */
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '@minivault/free-port'
import t, { type Test } from 'tap'
import { BinaryClient, get, set } from './support/binary-client.ts'
import { announce, ask, type HttpAnswer, refusal, SUCCESS, until } from './support/http-client.ts'
import { type Server, startServer } from './support/server.ts'

function suite(name: string, start: (t: Test) => Promise<{ port: number; binaryPort: number }>): void {
  t.test(name, async (t) => {
    const server = await start(t)

    await t.test('the documented table', async (t) => {
      t.match(await ask(server, 'PUT', '/k', '{"value": "hello world"}'), { status: 200, body: SUCCESS })
      t.match(await ask(server, 'GET', '/k'), { status: 200, body: '{"success":true,"data":"hello world"}' })
      t.match(await ask(server, 'PUT', '/k', '{"value": "updated"}'), { status: 200, body: SUCCESS })
      t.match(await ask(server, 'GET', '/k'), { status: 200, body: '{"success":true,"data":"updated"}' })
      t.match(await ask(server, 'DELETE', '/k'), { status: 200, body: SUCCESS })
      t.match(await ask(server, 'DELETE', '/k'), { status: 200, body: SUCCESS }, 'absent')
      refusal(t, await ask(server, 'GET', '/k'), 404, 'KEY_NOT_FOUND')
      t.match(await ask(server, 'POST', '/k', '{"value": 1}'), { status: 201, body: SUCCESS })
      refusal(t, await ask(server, 'POST', '/k', '{"value": 2}'), 409, 'KEY_EXISTS')
      t.equal((await ask(server, 'GET', '/k')).body, '{"success":true,"data":1}')
      t.equal((await ask(server, 'DELETE', '/k')).status, 200)
      t.equal(
        (await ask(server, 'POST', '/k', '{"value": 3}')).status,
        201,
        'a deleted key can be created again',
      )
    })

    await t.test('values come back byte for byte', async (t) => {
      const texts = [
        '12345678901234567890',
        'null',
        'true',
        '1.10',
        '-0.0e+00',
        '{"b":1,"a":2,"a":3}',
        '"\u{1f600} \u00e9 \\ud83d"',
        '[ 1 ,\n 2 ]',
        `"${'x'.repeat(1_000_000)}"`,
        '""',
      ]
      for (const text of texts) {
        t.equal((await ask(server, 'PUT', '/v', `{"value": ${text}}`)).status, 200)
        t.equal((await ask(server, 'GET', '/v')).body, `{"success":true,"data":${text}}`, text.slice(0, 40))
      }
      const lenient = await ask(server, 'PUT', '/v', '{"value": "a\nb\tc\rd"}')
      t.equal(lenient.status, 200, 'raw line breaks inside a string are taken')
      t.equal(
        (await ask(server, 'GET', '/v')).body,
        '{"success":true,"data":"a\\nb\\tc\\rd"}',
        'and stored escaped',
      )
    })

    await t.test('raw values of the other protocol', async (t) => {
      const client = new BinaryClient(server.binaryPort)
      await client.send(
        set('json', '{"a": 1}'),
        set('text', 'h\u00e9llo "you"'),
        set('bytes', Buffer.from([0xff, 0, 1])),
      )
      t.equal((await ask(server, 'GET', '/json')).body, '{"success":true,"data":{"a": 1}}')
      t.equal((await ask(server, 'GET', '/text')).body, '{"success":true,"data":"h\u00e9llo \\"you\\""}')
      t.equal((await ask(server, 'GET', '/bytes')).body, '{"success":true,"data":"/wAB","encoding":"base64"}')
      await ask(server, 'PUT', '/quoted', '{"value": "text"}')
      t.equal((await client.one(get('quoted'))).data.toString(), '"text"', 'a json value is its JSON text')
      client.close()
    })

    await t.test('keys are bytes, decoded once', async (t) => {
      const targets = ['/a/%2e%2e/b', '/a/../b', '//', '/%00', '/a%2Fb', '/%ff%fe', '/h%65alth', '/%2d/x']
      for (const [index, target] of targets.entries()) {
        t.equal((await ask(server, 'PUT', target, `{"value": ${index}}`)).status, 200, target)
      }
      for (const [index, target] of targets.entries()) {
        const same = target === '/a/../b' || target === '/a/%2e%2e/b' ? 1 : index
        t.equal((await ask(server, 'GET', target)).body, `{"success":true,"data":${same}}`, target)
      }
      const client = new BinaryClient(server.binaryPort)
      t.equal((await client.one(get('a/../b'))).data.toString(), '1')
      t.equal((await client.one(get('health'))).data.toString(), '6')
      client.close()
      t.equal((await ask(server, 'GET', '/a%2Fb?query=ignored')).body, '{"success":true,"data":4}')
      t.equal((await ask(server, 'PUT', `/${'k'.repeat(65_535)}`, '{"value":1}')).status, 200)
      refusal(t, await ask(server, 'PUT', `/${'k'.repeat(65_536)}`, '{"value":1}'), 414, 'KEY_LENGTH')
      t.equal((await ask(server, 'GET', `/${'%6b'.repeat(65_535)}`)).status, 200)
    })

    await t.test('what is refused, and that nothing of it was done', async (t) => {
      await ask(server, 'PUT', '/kept', '{"value": "old"}')
      refusal(t, await ask(server, 'GET', '/'), 400, 'KEY_MISSING')
      refusal(t, await ask(server, 'PUT', '/?x', '{"value":1}'), 400, 'KEY_MISSING')
      refusal(t, await ask(server, 'GET', '/%zz'), 400, 'BAD_REQUEST')
      refusal(t, await ask(server, 'GET', '/\u00e9'), 400, 'BAD_REQUEST')
      for (const body of ['', '{', '{"value": 1', '{"value": 01}', '{"value": "\u0001"}', 'nonsense']) {
        refusal(t, await ask(server, 'PUT', '/kept', body), 400, 'BAD_JSON')
      }
      refusal(
        t,
        await ask(server, 'PUT', '/kept', Buffer.from('{"value": "\xff"}', 'latin1')),
        400,
        'BAD_JSON',
      )
      for (const body of ['{}', '{"Value": 1}', '[1]', '"value"', '7']) {
        refusal(t, await ask(server, 'PUT', '/kept', body), 400, 'MISSING_VALUE')
      }
      refusal(t, await ask(server, 'PATCH', '/kept', '{"value": 1}'), 405, 'METHOD_NOT_ALLOWED')
      refusal(t, await ask(server, 'PUT', '/health', '{"value": 1}'), 405, 'METHOD_NOT_ALLOWED')
      refusal(t, await ask(server, 'GET', '/-/nothing'), 404, 'NOT_FOUND')
      const huge = { 'Content-Length': String(101 * 1024 * 1024) }
      refusal(t, await announce(server, '/kept', huge), 413, 'VALUE_TOO_LARGE')
      t.equal((await ask(server, 'GET', '/kept')).body, '{"success":true,"data":"old"}')
    })

    await t.test('health', async (t) => {
      const answer = await ask(server, 'GET', '/health')
      t.equal(answer.status, 200)
      const health = JSON.parse(answer.body)
      t.match(health, { status: 'ok', role: 'single', durability: 'fsync', node_id: /^[0-9a-f]{32}$/ })
      for (const field of [
        'uptime_seconds',
        'cache_items',
        'cache_size_mb',
        'storage_size_mb',
        'memory_mb',
      ]) {
        t.type(health[field], 'number', field)
      }
      t.ok(
        Object.values(health).every((value) => typeof value !== 'object'),
        'flat',
      )
      t.equal((await ask(server, 'GET', '/-/readyz')).status, 200)
      t.equal((await ask(server, 'GET', '/-/livez')).status, 200)
    })

    await t.test('keep-alive, pipelining, a body in pieces, expect', async (t) => {
      const socket = net.connect(server.port, '127.0.0.1')
      let text = ''
      socket.on('data', (piece) => (text += piece))
      const put = (key: string) => `PUT /${key} HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n{"value":1}`
      socket.write(`${put('p1') + put('p2')}GET /p1 HTTP/1.1\r\nHost: x\r\n\r\n`)
      await until(() => text.split('HTTP/1.1 200').length === 4)
      for (const byte of put('p3')) {
        socket.write(byte)
        await sleep(1)
      }
      await until(() => text.split('HTTP/1.1 200').length === 5)
      socket.write('PUT /p4 HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n')
      await until(() => text.includes('100 Continue'))
      socket.write('{"value":1}')
      await until(() => text.split('HTTP/1.1 200').length === 6)
      socket.write(
        'PUT /p5 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n' +
          '5\r\n{"val\r\n6\r\nue":5}\r\n0\r\n\r\n',
      )
      await until(() => text.split('HTTP/1.1 200').length === 7)
      t.equal((await ask(server, 'GET', '/p5')).body, '{"success":true,"data":5}')
      socket.write('nonsense\r\n\r\n')
      await until(() => text.includes('HTTP/1.1 400'))
      socket.destroy()
    })

    await t.test('a client that hangs up in the middle leaves nothing half done', async (t) => {
      const socket = net.connect(server.port, '127.0.0.1')
      socket.end('PUT /half HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"value": "no')
      await new Promise((resolve) => socket.on('close', resolve).resume())
      t.equal((await ask(server, 'GET', '/half')).status, 404)
    })
  })
}

suite('on the main port', async (t) => {
  const server = await startServer(t)
  return { port: server.port, binaryPort: server.port }
})

suite('on a port of its own', async (t) => {
  const server = await startServer(t, ['-http', `${await freePort()}`])
  const port = Number(/http on http:\/\/localhost:(\d+)/.exec(server.readyLine)![1])
  return { port, binaryPort: server.port }
})

t.test('authorization', async (t) => {
  const key = { Authorization: 'Bearer secretkey' }
  const check = async (server: Server, mode: string, reads: number, writes: number) => {
    t.equal((await ask(server, 'PUT', '/a', '{"value":1}', key)).status, 200, `${mode}: with the key`)
    t.equal((await ask(server, 'GET', '/a')).status, reads, `${mode}: read without`)
    t.equal((await ask(server, 'PUT', '/a', '{"value":2}')).status, writes, `${mode}: write without`)
    t.equal((await ask(server, 'DELETE', '/b')).status, writes, `${mode}: delete without`)
    t.equal((await ask(server, 'GET', '/health')).status, 200, `${mode}: health needs none`)
    t.equal((await ask(server, 'GET', '/a', undefined, key)).status, 200, `${mode}: read with`)
  }
  await check(await startServer(t, ['-auth', 'secretkey']), 'none', 200, 200)
  await check(await startServer(t, ['-auth', 'secretkey', '-authmode', 'writes']), 'writes', 200, 401)
  const all = await startServer(t, ['--auth=secretkey', '--authmode=all'])
  await check(all, 'all', 401, 401)
  for (const wrong of ['Bearer wrong', 'secretkey', 'Basic c2VjcmV0a2V5', 'Bearer secretkey ']) {
    const answer = await ask(all, 'GET', '/a', undefined, { Authorization: wrong })
    if (wrong.endsWith(' ')) t.equal(answer.status, 200, 'trailing space is not part of a header')
    else refusal(t, answer, 401, 'UNAUTHORIZED')
  }
  refusal(t, await announce(all, '/a', { 'Content-Length': '50000000' }), 401, 'UNAUTHORIZED')
})

t.test('rate limit', async (t) => {
  const server = await startServer(t, ['-ratelimit', '10'])
  const answers: HttpAnswer[] = []
  for (let index = 0; index < 5; index++) answers.push(await ask(server, 'GET', '/a'))
  const refused = answers.filter((answer) => answer.status === 429)
  t.ok(refused.length >= 3)
  refusal(t, refused[0]!, 429, 'RATE_LIMITED')
  t.match(refused[0]!.headers['retry-after'], /^[1-9]\d*$/)
  t.equal((await ask(server, 'GET', '/health')).status, 200, 'health is not limited')
})
