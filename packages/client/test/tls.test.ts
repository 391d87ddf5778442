/** `minivaults://` and `https://`: every call over them, and every way in which TLS goes wrong has a code. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import { Authority } from '@minivault/certificates'
import t, { type Test } from 'tap'
import { Client, type ClientError, type ClientOptions, type TlsOptions } from '../src/index.ts'
import { startServer } from './support/server.ts'

const authority = new Authority(t)
const own = authority.issue('node')
const ca = authority.pem
const WORDS = ['-durability', 'os', '-tls-cert', own.certFile, '-tls-key', own.keyFile]

function open(t: Test, url: string, options: ClientOptions = {}): Client {
  const client = Client.open({ url, timeoutMs: 5000, ...options })
  t.teardown(() => client.close())
  return client
}

const code = (code: string) => ({ name: 'ClientError', code })

t.test('every call over TLS', async (t) => {
  const { port } = await startServer(t, [...WORDS, '-auth', 'secret', '-authmode', 'all'])
  const value = randomBytes(6 * 1024 * 1024)
  for (const [scheme, protocol] of [
    ['minivaults', 'frames'],
    ['minivaults', 'documented'],
    ['https', 'auto'],
  ] as const) {
    const client = open(t, `${scheme}://:secret@localhost:${port}`, { protocol, tls: { ca } })
    await client.set('key', value)
    t.ok(Buffer.compare((await client.get('key'))!, value) === 0, `${scheme} ${protocol}`)
    await Promise.all(Array.from({ length: 500 }, (_, i) => client.set(`k${i}`, `${i}`)))
    t.equal(await client.text().get('k499'), '499')
    if (protocol === 'documented') continue
    await client.setStream('stream', [value], { size: value.length })
    const parts: Uint8Array[] = []
    for await (const part of (await client.getStream('stream'))!) parts.push(part)
    t.ok(Buffer.concat(parts).equals(value), 'a stream')
    let count = 0
    for await (const _ of client.scan({ prefix: 'k', keysOnly: true })) count += 1
    t.equal(count, 501)
  }
  Object.assign(process.env, { MINIVAULT_URL: `minivaults://:secret@127.0.0.1:${port}` })
  const client = Client.open({ tls: { ca } })
  t.teardown(() => client.close())
  t.equal(await client.text().get('k7'), '7', 'by MINIVAULT_URL, to an address')
  Reflect.deleteProperty(process.env, 'MINIVAULT_URL')
})

t.test('a certificate that is refused', async (t) => {
  const { port } = await startServer(t, WORDS)
  const ended = authority.issue('ended', ['20200101000000Z', '20210101000000Z'])
  const late = await startServer(t, [
    ...['-durability', 'os', '-tls-cert', ended.certFile, '-tls-key', ended.keyFile],
  ])
  const other = new Authority(t, 'other')
  const bad: [what: string, port: number, tls: TlsOptions | undefined][] = [
    ['of an authority that Node does not know', port, undefined],
    ['of another authority', port, { ca: other.pem }],
    ['for another name', port, { ca, servername: 'example.org' }],
    ['that has ended', late.port, { ca }],
  ]
  for (const scheme of ['minivaults', 'https']) {
    for (const [what, port, tls] of bad) {
      const client = open(t, `${scheme}://localhost:${port}`, tls === undefined ? {} : { tls })
      const error = await client.set('key', 'x').catch((error: ClientError) => error)
      t.match(
        error,
        { ...code('CLIENT_CERTIFICATE'), retryable: false, inDoubt: false },
        `${scheme}: ${what}`,
      )
      t.match((error as ClientError).message, /^the certificate of localhost:\d+ was refused: /)
    }
    const trusting = open(t, `${scheme}://localhost:${port}`, { tls: { rejectUnauthorized: false } })
    await trusting.set('key', scheme)
    const both = open(t, `${scheme}://localhost:${port}`, { tls: { ca: [other.pem, ca.toString()] } })
    t.equal(await both.text().get('key'), scheme)
    const upload = open(t, `${scheme}://localhost:${port}`, { tls: { ca: other.pem } })
    const size = 5 * 1024 * 1024
    await t.rejects(upload.setStream('k', [Buffer.alloc(size)], { size }), {
      ...code('CLIENT_CERTIFICATE'),
      inDoubt: false,
    })
  }
})

t.test('clients with certificates', async (t) => {
  const { port } = await startServer(t, [...WORDS, '-tls-ca', authority.file])
  const { cert, key } = authority.issue('client')
  const stranger = new Authority(t, 'other').issue('client')
  for (const scheme of ['minivaults', 'https']) {
    const client = open(t, `${scheme}://localhost:${port}`, { tls: { ca, cert, key } })
    await client.set('key', 'x')
    t.equal(await client.text().get('key'), 'x', scheme)
    for (const tls of [{ ca }, { ca, cert: stranger.cert, key: stranger.key }]) {
      const refused = open(t, `${scheme}://localhost:${port}`, { tls })
      await t.rejects(refused.get('key'), {
        ...code('UNAUTHORIZED'),
        message: /^a client certificate signed by/,
      })
    }
  }
  // Others end the handshake instead of answering.
  const server = tls.createServer({ ...own, ca, requestCert: true, rejectUnauthorized: true })
  server.listen(0, '127.0.0.1').on('tlsClientError', () => {})
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port: strict } = server.address() as net.AddressInfo
  const client = open(t, `minivaults://localhost:${strict}`, { tls: { ca } })
  const error = await client.get('key').catch((error: ClientError) => error)
  t.match(error, code('CLIENT_CERTIFICATE'))
  t.match((error as ClientError).message, /^localhost:\d+ refused our certificate: /)
})

t.test('one side speaks TLS, the other does not', async (t) => {
  const secured = await startServer(t, WORDS)
  const plain = await startServer(t, ['-durability', 'os'])
  for (const scheme of ['minivaults', 'https']) {
    const client = open(t, `${scheme}://localhost:${plain.port}`)
    const error = await client.get('key').catch((error: ClientError) => error)
    t.match(error, { ...code('CLIENT_TLS'), retryable: false }, scheme)
    const way = scheme === 'https' ? 'http' : 'minivault'
    t.match(
      (error as ClientError).message,
      new RegExp(`does not speak TLS: use ${way}://, or the right port`),
    )
  }
  for (const scheme of ['minivault', 'http']) {
    const client = open(t, `${scheme}://localhost:${secured.port}`)
    await t.rejects(client.set('key', 'x'), {
      ...code('TLS_REQUIRED'),
      message: /^this port speaks TLS only/,
    })
  }
  const old = tls.createServer({
    ...own,
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  })
  old.listen(0, '127.0.0.1').on('tlsClientError', () => {})
  await once(old, 'listening')
  t.teardown(() => old.close())
  const { port } = old.address() as net.AddressInfo
  for (const scheme of ['minivaults', 'https']) {
    const client = open(t, `${scheme}://localhost:${port}`, { tls: { ca } })
    await t.rejects(client.set('key', 'x'), { ...code('CLIENT_TLS'), inDoubt: false })
  }
})

t.test('a handshake that never comes to its end', async (t) => {
  const silent = net.createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => silent.close())
  const { port } = silent.address() as net.AddressInfo
  for (const scheme of ['minivaults', 'https']) {
    const client = open(t, `${scheme}://127.0.0.1:${port}`, { connectTimeoutMs: 100, timeoutMs: 600 })
    const error = await client.get('key').catch((error: ClientError) => error)
    t.ok(['CLIENT_TIMEOUT', 'CLIENT_DISCONNECTED'].includes((error as ClientError).code), scheme)
    t.ok((error as ClientError).retryable)
  }
})

t.test('options that cannot be', (t) => {
  const url = 'minivaults://localhost'
  const bad: ClientOptions[] = [
    { url: 'minivault://localhost', tls: { ca } },
    { url: 'http://localhost', tls: {} },
    { url, tls: { cert: own.cert } },
    { url, tls: { key: own.key } },
    { url, tls: { cert: 'nonsense', key: own.key } },
    { url, tls: { ca: 5 as unknown as string } },
    { url, tls: { cert: own.cert, key: authority.issue('other').key } },
  ]
  for (const options of bad) t.throws(() => Client.open(options), code('CLIENT_BAD_ARGUMENT'))
  t.match(Client.open(url).address, { scheme: 'minivaults', port: 3000 })
  t.end()
})
