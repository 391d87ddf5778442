/** Pages of other origins: kept out, or let in by `-cors`. */
import type { OutgoingHttpHeaders } from 'node:http'
import t from 'tap'
import { ask, RawHttp, refusal, SUCCESS } from './support/http-client.ts'
import { startServer } from './support/server.ts'

const ONE = '{"value":1}'
const PREFLIGHT = { 'Access-Control-Request-Method': 'PUT', 'Access-Control-Request-Headers': 'if-match' }

t.test('without -cors', async (t) => {
  const server = await startServer(t)
  const asked = (method: string, target: string, headers: OutgoingHttpHeaders) =>
    ask(server, method, target, method === 'PUT' ? ONE : undefined, headers)
  const foreign = ['http://evil.example', 'null', '', `https://127.0.0.1:${server.port}.evil.example`]
  foreign.push(
    `http://127.0.0.1:${server.port + 1}`,
    'http://127.0.0.1',
    `ftp://127.0.0.1:${server.port}`,
    'x',
  )
  foreign.push(`http://localhost:${server.port}`, `http://127.0.0.1:${server.port}, http://evil.example`)
  for (const origin of foreign) {
    for (const [method, target] of [
      ['PUT', '/k'],
      ['GET', '/k'],
      ['GET', '/health'],
      ['GET', '/-/keys'],
    ] as const) {
      refusal(
        t,
        await asked(method, target, { Origin: origin }),
        403,
        'ORIGIN_REFUSED',
        `${method} ${target} ${origin}`,
      )
    }
  }
  t.equal((await ask(server, 'GET', '/k')).status, 404, 'nothing was done')
  const own = `http://127.0.0.1:${server.port}`
  for (const origin of [own, own.replace('http', 'https'), own.toUpperCase()]) {
    const answer = await asked('PUT', '/k', { Origin: origin })
    t.match(answer, { status: 200, body: SUCCESS }, origin)
    t.notOk(answer.headers['access-control-allow-origin'])
  }
  t.equal((await asked('GET', '/k', {})).headers.vary, 'Accept')
  const options = await asked('OPTIONS', '/k', {})
  refusal(t, options, 405, 'METHOD_NOT_ALLOWED')
  t.equal(options.headers.allow, 'GET, HEAD, PUT, POST, DELETE')
  refusal(
    t,
    await asked('OPTIONS', '/k', { Origin: 'http://evil.example', ...PREFLIGHT }),
    403,
    'ORIGIN_REFUSED',
  )
  const raw = new RawHttp(server.port)
  raw.send(`GET /k HTTP/1.0\r\nOrigin: ${own}\r\n\r\n`)
  t.same(await raw.replies(1), [403], 'without a Host nothing is its own')
  raw.close()
})

t.test('with some origins', async (t) => {
  const app = 'https://app.example'
  const server = await startServer(t, [
    '-cors',
    `${app},http://localhost:8000`,
    '-auth',
    'k',
    '-authmode',
    'all',
  ])
  const key = { Authorization: 'Bearer k' }
  const allowed = await ask(server, 'PUT', '/k', ONE, { ...key, Origin: app })
  t.match(allowed, { status: 200, headers: { 'access-control-allow-origin': app, vary: 'Origin' } })
  t.match(allowed.headers['access-control-expose-headers'], /ETag, Minivault-Version, Minivault-TTL/)
  const read = await ask(server, 'GET', '/k', undefined, { ...key, Origin: 'http://localhost:8000' })
  t.match(read.headers, { 'access-control-allow-origin': 'http://localhost:8000', vary: 'Accept, Origin' })
  const plain = await ask(server, 'GET', '/k', undefined, key)
  t.match([plain.headers.vary, plain.headers['access-control-allow-origin']], ['Accept, Origin', undefined])
  const refused = await ask(server, 'GET', '/k', undefined, { Origin: app })
  refusal(t, refused, 401, 'UNAUTHORIZED')
  t.equal(refused.headers['access-control-allow-origin'], app, 'a page can read why')
  for (const origin of [
    'http://app.example',
    'https://app.example:8443',
    'https://app.example.evil',
    'null',
  ]) {
    const answer = await ask(server, 'PUT', '/k', ONE, { ...key, Origin: origin })
    refusal(t, answer, 403, 'ORIGIN_REFUSED', origin)
    t.notOk(answer.headers['access-control-allow-origin'])
  }
  const asked = await ask(server, 'OPTIONS', '/k', undefined, { Origin: app, ...PREFLIGHT })
  t.match(asked, {
    status: 204,
    body: '',
    headers: {
      'access-control-allow-origin': app,
      'access-control-allow-methods': 'GET, HEAD, PUT, POST, DELETE',
      'access-control-max-age': '86400',
      vary: 'Origin',
    },
  })
  for (const name of [
    'Authorization',
    'If-Match',
    'Content-Type',
    'Range',
    'Minivault-TTL',
    'Minivault-Request',
  ]) {
    t.match(asked.headers['access-control-allow-headers'], new RegExp(`\\b${name}\\b`))
  }
  t.match(await ask(server, 'OPTIONS', '/k'), { status: 204, headers: { allow: /OPTIONS/ } })
  t.equal((await ask(server, 'OPTIONS', '/-/keys', undefined, { Origin: app, ...PREFLIGHT })).status, 204)
})

t.test('with all origins', async (t) => {
  const server = await startServer(t, ['-cors', '*'])
  for (const origin of ['http://any.example', 'null']) {
    const answer = await ask(server, 'PUT', '/k', ONE, { Origin: origin })
    t.match(answer, { status: 200, headers: { 'access-control-allow-origin': '*' } }, origin)
    t.notOk(answer.headers.vary)
  }
  t.equal(
    (await ask(server, 'GET', '/k', undefined, { Origin: 'http://any.example' })).headers.vary,
    'Accept',
  )
})
