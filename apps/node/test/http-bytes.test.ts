/** Values as bytes, and parts of them. */
import t from 'tap'
import { BinaryClient, get, set } from './support/binary-client.ts'
import { ask, refusal } from './support/http-client.ts'
import { startServer } from './support/server.ts'

const OCTETS = 'application/octet-stream'
const TYPE = { 'Content-Type': OCTETS }
const ALL = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
/** Below and above the size from which on a value has a file. */
const SIZES = [0, 1, 256, 64 * 1024, 512 * 1024, 512 * 1024 + 1, 3 * 1024 * 1024 + 5]

function bytesOf(size: number): Buffer {
  const bytes = Buffer.alloc(size)
  for (let at = 0; at < size; at++) bytes[at] = (at * 31 + (at >> 8)) & 255
  return bytes
}

t.test('against a node', async (t) => {
  const server = await startServer(t, ['-durability', 'os'])
  const read = (key: string, headers = {}) =>
    ask(server, 'GET', key, undefined, { Accept: OCTETS, ...headers })

  await t.test('come back as they were, in one piece and in chunks', async (t) => {
    for (const size of SIZES) {
      const value = bytesOf(size)
      for (const headers of [TYPE, { ...TYPE, 'Transfer-Encoding': 'chunked' }]) {
        const key = `/size-${size}`
        await ask(server, 'DELETE', key)
        t.match(await ask(server, 'PUT', key, value, headers), { status: 200 }, `${size} bytes`)
        const answer = await read(key)
        t.ok(answer.bytes.equals(value), `${size} bytes`)
        t.match(answer.headers, {
          'content-type': OCTETS,
          'content-length': `${size}`,
          'accept-ranges': 'bytes',
          vary: 'Accept',
        })
        const head = await ask(server, 'HEAD', key, undefined, { Accept: OCTETS })
        t.match(head.headers, { 'content-length': `${size}`, etag: `${answer.headers.etag}` })
        t.equal(head.bytes.length, 0)
      }
    }
  })

  await t.test('are the same value on each door', async (t) => {
    const client = new BinaryClient(server.port)
    await ask(server, 'PUT', '/raw', ALL, TYPE)
    t.equal((await client.one(get('raw'))).data.toString('hex'), ALL.toString('hex'))
    await client.one(set('sent', ALL))
    t.equal((await read('/sent')).bytes.toString('hex'), ALL.toString('hex'))
    await ask(server, 'PUT', '/json', '{"value": {"b": 1,"a":[ ]}}')
    t.equal((await read('/json')).body, '{"b": 1,"a":[ ]}', 'a json value as its text')
    await ask(server, 'PUT', '/text', 'plain', TYPE)
    t.equal((await ask(server, 'GET', '/text')).body, '{"success":true,"data":"plain"}')
    await ask(server, 'PUT', '/like', '{"value": 1}', TYPE)
    t.equal((await read('/like')).body, '{"value": 1}', 'not looked into')
    t.equal(
      (await ask(server, 'GET', '/raw')).body,
      `{"success":true,"data":"${ALL.toString('base64')}","encoding":"base64"}`,
    )
    const types = [`${OCTETS}; charset=x`, ' Application/Octet-Stream ', 'APPLICATION/OCTET-STREAM;']
    for (const type of types) {
      t.equal((await ask(server, 'PUT', '/typed', 'x', { 'Content-Type': type })).status, 200, type)
    }
    for (const type of ['text/plain', 'application/octet-stream2', 'application/json', '', 'x']) {
      refusal(t, await ask(server, 'PUT', '/typed', 'x', { 'Content-Type': type }), 400, 'BAD_JSON', type)
    }
    client.close()
  })

  await t.test('large ones as JSON', async (t) => {
    const text = `"${'x'.repeat(2_000_000)}"`
    await ask(server, 'PUT', '/large', `{"value":${text}}`)
    t.ok((await ask(server, 'GET', '/large')).body === `{"success":true,"data":${text}}`, 'of type json')
    t.ok((await read('/large')).body === text)
    t.equal((await ask(server, 'HEAD', '/large')).headers['content-length'], `${text.length + 24}`)
    const client = new BinaryClient(server.port)
    await client.one(set('large', text))
    t.ok((await ask(server, 'GET', '/large')).body === `{"success":true,"data":${text}}`, 'a JSON text')
    await client.one(set('large', 'é'.repeat(500_000)))
    t.ok((await ask(server, 'GET', '/large')).body === `{"success":true,"data":"${'é'.repeat(500_000)}"}`)
    const bytes = bytesOf(1_000_000)
    await client.one(set('large', bytes))
    const whole = await ask(server, 'GET', '/large')
    t.ok(whole.body === `{"success":true,"data":"${bytes.toString('base64')}","encoding":"base64"}`)
    const head = await ask(server, 'HEAD', '/large')
    t.match(head, { status: 200, headers: { etag: whole.headers.etag! } })
    t.notOk(head.headers['content-length'])
    client.close()
  })

  await t.test('a part of them', async (t) => {
    for (const size of [256, 600_000, 3_000_000]) {
      const value = bytesOf(size)
      const key = `/range-${size}`
      const { etag } = (await ask(server, 'PUT', key, value, TYPE)).headers
      const part = async (range: string, start: number, end: number, headers = {}) => {
        const answer = await read(key, { Range: range, ...headers })
        t.match(
          answer,
          { status: 206, headers: { 'content-range': `bytes ${start}-${end - 1}/${size}` } },
          range,
        )
        t.ok(answer.bytes.equals(value.subarray(start, end)), range)
      }
      await part('bytes=0-0', 0, 1)
      await part('bytes=10-99', 10, 100)
      await part('bytes=100-', 100, size)
      await part('bytes=-7', size - 7, size)
      await part(`bytes=-${size * 2}`, 0, size)
      await part(`bytes=5-${size * 2}`, 5, size)
      await part(`bytes=5-${'9'.repeat(30)}`, 5, size)
      await part(`bytes=${size - 1}-`, size - 1, size)
      await part('BYTES= 1-2 ', 1, 3)
      await part('bytes=1-2', 1, 3, { 'If-Range': etag })
      for (const range of [`bytes=${size}-`, `bytes=${'9'.repeat(30)}-`, 'bytes=-0']) {
        const answer = await read(key, { Range: range })
        refusal(t, answer, 416, 'RANGE_NOT_SATISFIABLE', range)
        t.equal(answer.headers['content-range'], `bytes */${size}`)
      }
      const whole = async (headers: object, about: string) => {
        const answer = await read(key, headers)
        t.match(
          [answer.status, answer.bytes.length, answer.headers['content-range']],
          [200, size, undefined],
          about,
        )
      }
      const unread = [
        'bytes=1-2,4-5',
        'lines=1-2',
        'bytes=5-2',
        'bytes=',
        'bytes=-',
        'bytes=a-b',
        'bytes 1-2',
        '1-2',
        '',
      ]
      for (const range of [...unread, 'bytes=1-2, 1-2', 'bytes=1--2', 'bytes=+1-2'])
        await whole({ Range: range }, range)
      for (const tag of ['"x"', `W/${etag}`, 'Sat, 21 Nov 2026 12:00:00 GMT', '*', `${etag}, "x"`]) {
        await whole({ Range: 'bytes=1-2', 'If-Range': tag }, tag)
      }
      const head = await ask(server, 'HEAD', key, undefined, { Accept: OCTETS, Range: 'bytes=1-2' })
      t.match([head.status, head.headers['content-length']], [200, `${size}`], 'of a GET only')
      t.equal((await read(key, { Range: 'bytes=1-2', 'If-None-Match': '*' })).status, 304, 'conditions first')
      t.equal((await ask(server, 'GET', key, undefined, { Range: 'bytes=1-2' })).status, 200, 'JSON has none')
    }
    await ask(server, 'PUT', '/empty', '', TYPE)
    refusal(t, await read('/empty', { Range: 'bytes=0-' }), 416, 'RANGE_NOT_SATISFIABLE')
    refusal(t, await read('/nothing', { Range: 'bytes=0-' }), 404, 'KEY_NOT_FOUND')
  })

  await t.test('which of the two is sent', async (t) => {
    await ask(server, 'PUT', '/one', 'x', TYPE)
    const raw = [
      OCTETS,
      `${OCTETS}, */*;q=0.8`,
      `text/html, ${OCTETS};q=0.1`,
      `application/json;q=0.5,${OCTETS}`,
    ]
    raw.push(
      `application/json, ${OCTETS}`,
      `*/*;q=0.2, ${OCTETS};q=0.2`,
      `${OCTETS};q=x`,
      'APPLICATION/OCTET-STREAM',
    )
    for (const accept of raw) t.equal((await read('/one', { Accept: accept })).body, 'x', accept)
    const json = [
      '*/*',
      'application/*',
      'application/json',
      `${OCTETS};q=0`,
      `${OCTETS};q=0.5, application/json`,
    ]
    json.push(
      `${OCTETS};q=0.5, */*`,
      `${OCTETS};q=0.000`,
      'text/html',
      '',
      ',;,',
      `application/*,${OCTETS};q=0.9`,
    )
    for (const accept of json) {
      t.equal((await read('/one', { Accept: accept })).body, '{"success":true,"data":"x"}', accept)
    }
  })

  await t.test('what cannot be taken', async (t) => {
    const gzip = { ...TYPE, 'Content-Encoding': 'gzip' }
    refusal(t, await ask(server, 'PUT', '/coded', 'x', gzip), 415, 'BAD_REQUEST')
    t.equal(
      (await ask(server, 'PUT', '/coded', 'x', { ...TYPE, 'Content-Encoding': 'identity' })).status,
      200,
    )
    const huge = Buffer.alloc(100 * 1024 * 1024 + 1)
    refusal(
      t,
      await ask(server, 'PUT', '/huge', huge, { ...TYPE, 'Transfer-Encoding': 'chunked' }),
      413,
      'VALUE_TOO_LARGE',
    )
    t.equal((await ask(server, 'GET', '/huge')).status, 404)
  })
})
