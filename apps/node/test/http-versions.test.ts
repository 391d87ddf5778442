/** Versions over HTTP: what replies tell of them, and what requests make depend on them. */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { BinaryClient, get, set } from './support/binary-client.ts'
import { ask, type HttpAnswer, refusal, SUCCESS } from './support/http-client.ts'
import { startServer } from './support/server.ts'
import { startTrio } from './support/trio-nodes.ts'

const VERSION = /^[0-9a-f]{24}$/
const ONE = '{"value":1}'

function versionOf(answer: HttpAnswer): string {
  return `${answer.headers['minivault-version']}`
}

t.test('against a node', async (t) => versions(t, await startServer(t, ['-durability', 'os']), false))

t.test('against a node of three', async (t) => versions(t, (await startTrio(t)).nodes[1]!, true))

async function versions(t: Test, server: { readonly port: number }, isCluster: boolean): Promise<void> {
  const put = (key: string, headers = {}, body = ONE) => ask(server, 'PUT', key, body, headers)
  const current = async (key: string) => versionOf(await ask(server, 'HEAD', key))

  await t.test('each reply that knows a version tells it twice', async (t) => {
    const told = (answer: HttpAnswer, about: string) => {
      t.match(versionOf(answer), VERSION, about)
      t.equal(answer.headers.etag, `"${versionOf(answer)}"`, about)
      return versionOf(answer)
    }
    const first = told(await put('/told'), 'PUT')
    t.equal(told(await ask(server, 'GET', '/told'), 'GET'), first)
    const head = await ask(server, 'HEAD', '/told')
    t.equal(told(head, 'HEAD'), first)
    t.match(head, { status: 200, body: '', headers: { 'content-length': '25', vary: 'Accept' } })
    const second = told(await put('/told'), 'PUT again')
    t.ok(second > first, 'versions grow')
    t.equal(told(await ask(server, 'POST', '/told', ONE), 'POST of what is there'), second)
    const deleted = told(await ask(server, 'DELETE', '/told'), 'DELETE')
    t.ok(deleted > second)
    // A cluster does not look: it writes down that the key is gone.
    const vain = await ask(server, 'DELETE', '/told')
    t.equal(vain.headers.etag !== undefined, isCluster, 'nothing was there')
    const gone = await ask(server, 'GET', '/told')
    refusal(t, gone, 404, 'KEY_NOT_FOUND')
    t.match([gone.headers.etag, gone.headers.vary], [undefined, 'Accept'])
    t.equal((await ask(server, 'HEAD', '/told')).headers['content-length'], gone.headers['content-length'])
    told(await ask(server, 'POST', '/told', ONE), 'POST')
  })

  await t.test('If-None-Match of a read', async (t) => {
    await put('/read')
    const version = await current('/read')
    const none = (tags: string, method = 'GET') =>
      ask(server, method, '/read', undefined, { 'If-None-Match': tags })
    const yes = [`"${version}"`, `W/"${version}"`, '*', `"x", "${version}"`, `"a,b" ,, W/"${version}"`]
    for (const tags of yes) {
      const answer = await none(tags)
      t.match(answer, { status: 304, body: '', headers: { etag: `"${version}"`, vary: 'Accept' } }, tags)
      t.notOk(answer.headers['content-length'], tags)
      t.equal((await none(tags, 'HEAD')).status, 304, tags)
    }
    for (const tags of ['"x"', `"${version.toUpperCase()}"`, '""'])
      t.equal((await none(tags)).status, 200, tags)
    for (const tags of ['x', version, '"x', '"a" "b"', '"a";', 'w/"a"', '*,"a"', '', ',']) {
      refusal(t, await none(tags), 400, 'BAD_REQUEST', `<${tags}>`)
    }
    refusal(
      t,
      await ask(server, 'GET', '/nothing', undefined, { 'If-None-Match': '*' }),
      404,
      'KEY_NOT_FOUND',
    )
  })

  await t.test('If-Match of a read', async (t) => {
    await put('/match')
    const version = await current('/match')
    const match = (tags: string) => ask(server, 'GET', '/match', undefined, { 'If-Match': tags })
    for (const tags of [`"${version}"`, '*', `"x","${version}"`])
      t.equal((await match(tags)).status, 200, tags)
    for (const tags of ['"x"', `W/"${version}"`]) {
      const answer = await match(tags)
      refusal(t, answer, 412, 'VERSION_MISMATCH', tags)
      t.equal(versionOf(answer), version)
    }
  })

  await t.test('a write with one version', async (t) => {
    const first = versionOf(await put('/cas'))
    const second = await put('/cas', { 'If-Match': `"${first}"` }, '{"value":2}')
    t.match(second, { status: 200, body: SUCCESS })
    const again = await put('/cas', { 'If-Match': `"${first}"` }, '{"value":3}')
    refusal(t, again, 412, 'VERSION_MISMATCH')
    t.equal(versionOf(again), versionOf(second), 'names what is there')
    t.equal((await ask(server, 'GET', '/cas')).body, '{"success":true,"data":2}', 'nothing was done')
    const wrong = { 'If-Match': `"${first}"` }
    refusal(t, await ask(server, 'DELETE', '/cas', undefined, wrong), 412, 'VERSION_MISMATCH')
    const right = { 'If-Match': `"${versionOf(second)}"` }
    t.equal((await ask(server, 'DELETE', '/cas', undefined, right)).status, 200)
    const absent = await put('/cas', right)
    refusal(t, absent, 412, 'VERSION_MISMATCH')
    t.notOk(absent.headers.etag, 'nothing is there')
  })

  await t.test('a write that is to be the first', async (t) => {
    t.equal((await put('/first', { 'If-None-Match': '*' })).status, 200)
    const second = await put('/first', { 'If-None-Match': '*' }, '{"value":2}')
    refusal(t, second, 412, 'VERSION_MISMATCH')
    t.match(versionOf(second), VERSION)
    refusal(t, await ask(server, 'POST', '/first', ONE, { 'If-None-Match': '*' }), 409, 'KEY_EXISTS')
    refusal(t, await ask(server, 'POST', '/first', ONE, { 'If-Match': '*' }), 409, 'KEY_EXISTS')
    refusal(t, await ask(server, 'POST', '/none', ONE, { 'If-Match': '*' }), 412, 'VERSION_MISMATCH')
    t.equal((await ask(server, 'GET', '/none')).status, 404)
    t.equal((await ask(server, 'POST', '/none', ONE, { 'If-None-Match': '*' })).status, 201)
  })

  await t.test('lists, * and weak tags', async (t) => {
    const version = versionOf(await put('/list'))
    const zeros = '0'.repeat(24)
    const refused = [
      { 'If-Match': `W/"${version}"` },
      { 'If-Match': '"x"' },
      { 'If-Match': `"${zeros}"` },
      { 'If-Match': `"${version.toUpperCase()}"` },
      { 'If-None-Match': `"x", W/"${version}"` },
      { 'If-Match': '*', 'If-None-Match': `"${version}"` },
      { 'If-Match': `"${version}"`, 'If-None-Match': '*' },
    ]
    for (const headers of refused) {
      refusal(t, await put('/list', headers), 412, 'VERSION_MISMATCH', JSON.stringify(headers))
      refusal(t, await ask(server, 'DELETE', '/list', undefined, headers), 412, 'VERSION_MISMATCH')
    }
    t.equal(await current('/list'), version, 'nothing was done')
    t.equal((await put('/list', { 'If-Match': `"x", "${version}"` })).status, 200)
    t.equal((await put('/list', { 'If-Match': '*' })).status, 200)
    t.equal((await put('/list', { 'If-None-Match': '"x"' })).status, 200)
    t.equal((await ask(server, 'DELETE', '/list', undefined, { 'If-Match': '*' })).status, 200)
    refusal(t, await put('/list', { 'If-Match': '*' }), 412, 'VERSION_MISMATCH', 'nothing is there')
    const gone = { 'If-None-Match': '*' }
    t.match(await ask(server, 'DELETE', '/list', undefined, gone), { status: 200, body: SUCCESS })
    t.equal(
      (await put('/list', { 'If-None-Match': '"x", "y"' })).status,
      200,
      'nothing there is none of these',
    )
    for (const tags of ['x', '"x', '']) {
      refusal(t, await put('/list', { 'If-Match': tags }), 400, 'BAD_REQUEST')
    }
  })

  await t.test('of many that write at once under one condition, each sees another', async (t) => {
    await put('/count', {}, '{"value":0}')
    const workers = Array.from({ length: 8 }, async () => {
      for (let done = 0; done < 10; ) {
        const before = await ask(server, 'GET', '/count')
        const next = JSON.stringify({ value: JSON.parse(before.body).data + 1 })
        const answer = await put('/count', { 'If-Match': `"${versionOf(before)}", "x"` }, next)
        if (answer.status === 200) done++
      }
    })
    await Promise.all(workers)
    t.equal((await ask(server, 'GET', '/count')).body, '{"success":true,"data":80}')
    const stars = Array.from({ length: 50 }, () => put('/count', { 'If-Match': '*' }))
    t.ok(
      (await Promise.all(stars)).every(({ status }) => status === 200),
      '* is tried again',
    )
  })

  await t.test('a value that ends', async (t) => {
    const life = { 'Minivault-TTL': '60000' }
    t.equal((await put('/ends', life)).status, 200)
    for (const method of ['GET', 'HEAD']) {
      for (const headers of [{}, { 'If-None-Match': '*' }, { Accept: 'application/octet-stream' }]) {
        const left = Number((await ask(server, method, '/ends', undefined, headers)).headers['minivault-ttl'])
        t.ok(left > 0 && left <= 60_000, `${method} ${JSON.stringify(headers)}: ${left} ms`)
      }
    }
    await put('/ends')
    t.notOk((await ask(server, 'GET', '/ends')).headers['minivault-ttl'], 'a write without it ends no more')
    t.equal((await ask(server, 'POST', '/short', ONE, { 'Minivault-TTL': '1' })).status, 201)
    await sleep(20)
    t.equal((await ask(server, 'GET', '/short')).status, 404)
    t.equal((await put('/ends', { 'Minivault-TTL': `${2 ** 47}` })).status, 200)
    for (const ttl of [
      '0',
      '-1',
      '1.5',
      '',
      'x',
      '+5',
      '1e3',
      `${2 ** 47 + 1}`,
      '99999999999999999999',
      '5, 5',
    ]) {
      refusal(t, await put('/ends', { 'Minivault-TTL': ttl }), 400, 'BAD_REQUEST', ttl)
    }
    refusal(t, await ask(server, 'GET', '/ends', undefined, life), 400, 'BAD_REQUEST', 'GET')
    refusal(t, await ask(server, 'DELETE', '/ends', undefined, life), 400, 'BAD_REQUEST', 'DELETE')
  })

  await t.test('levels and consistency', async (t) => {
    for (const level of ['memory', 'os', 'fsync']) {
      t.equal((await put('/level', { 'Minivault-Durability': level })).status, 200, level)
    }
    for (const consistency of ['one', 'quorum']) {
      t.equal((await put('/level', { 'Minivault-Consistency': consistency })).status, 200, consistency)
      const read = await ask(server, 'GET', '/level', undefined, { 'Minivault-Consistency': consistency })
      t.equal(read.status, 200)
    }
    for (const wrong of ['', 'FSYNC', 'disk', 'toString', 'os, os']) {
      refusal(t, await put('/level', { 'Minivault-Durability': wrong }), 400, 'BAD_REQUEST', wrong)
      refusal(t, await put('/level', { 'Minivault-Consistency': wrong }), 400, 'BAD_REQUEST', wrong)
    }
  })

  await t.test('a retry takes effect once', async (t) => {
    const id = `${Date.now().toString(16).padStart(12, '0')}000100000001`
    const headers = { 'Minivault-Request': id }
    const first = await put('/once', headers)
    t.equal(versionOf(first), id, 'the request id is the version')
    const other = versionOf(await put('/once', {}, '{"value":2}'))
    const retry = await put('/once', { ...headers, 'Minivault-Attempt': '1' })
    t.match(retry, { status: 200, headers: { 'minivault-version': id } }, 'answered again')
    t.equal(await current('/once'), other, 'not done again')
    const late = await put('/once', headers)
    // What was carried out is told to every attempt of a plain write in a cluster.
    if (isCluster) t.match(late, { status: 200, headers: { 'minivault-version': id } })
    else refusal(t, late, 409, 'SUPERSEDED')
    const created = `${id.slice(0, 20)}0002`
    const post = () => ask(server, 'POST', '/made', ONE, { 'Minivault-Request': created })
    const [made, again] = [await post(), await post()]
    t.same([made.status, again.status], [201, 201])
    t.equal(versionOf(again), versionOf(made))
    t.equal(versionOf(made) === created, !isCluster, 'what takes a round has the version of the round')
    const deleted = { 'Minivault-Request': `${id.slice(0, 20)}0003`, 'If-Match': `"${versionOf(made)}"` }
    const remove = () => ask(server, 'DELETE', '/made', undefined, deleted)
    t.same([(await remove()).status, (await remove()).status], [200, 200], 'with its condition, too')
    for (const wrong of ['', 'x', '0'.repeat(24), id.slice(1), `${id}0`]) {
      refusal(t, await put('/once', { 'Minivault-Request': wrong }), 400, 'BAD_REQUEST', wrong)
    }
    for (const attempt of ['256', '-1', 'x', '']) {
      const answer = await put('/once', { ...headers, 'Minivault-Attempt': attempt })
      refusal(t, answer, 400, 'BAD_REQUEST', attempt)
    }
    refusal(t, await put('/once', { 'Minivault-Attempt': '1' }), 400, 'BAD_REQUEST', 'of nothing')
    for (const condition of [{ 'If-Match': '*' }, { 'If-Match': '"x", "y"' }, { 'If-None-Match': '"x"' }]) {
      refusal(t, await put('/once', { ...headers, ...condition }), 400, 'BAD_REQUEST', 'not safely retried')
    }
    const far = `${(Date.now() + 3_600_000).toString(16).padStart(12, '0')}000100000001`
    refusal(t, await put('/once', { 'Minivault-Request': far }), 503, 'CLOCK_TOO_FAR')
  })

  await t.test('bytes of the other protocol have versions, too', async (t) => {
    const client = new BinaryClient(server.port)
    await client.one(set('both', 'text'))
    const version = await current('/both')
    t.match(version, VERSION)
    t.equal((await put('/both', { 'If-Match': `"${version}"` }, '{"value":"x"}')).status, 200)
    t.equal((await client.one(get('both'))).data.toString(), '"x"')
    client.close()
  })
}
