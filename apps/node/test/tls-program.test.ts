/** The program with certificates: its command line, SIGHUP, SIGTERM, and the clients that people have. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Authority } from '@minivault/certificates'
import { readCertificates } from '@minivault/command-line'
import t, { type Test } from 'tap'
import { readSettings } from '../src/settings/settings.ts'
import { get, set } from './support/binary-client.ts'
import { connect, Taker } from './support/large-client.ts'
import { until } from './support/large-transfers.ts'
import { run, startServer, temporaryFolder } from './support/server.ts'
import { dial } from './support/tls-client.ts'

const authority = new Authority(t)
const own = authority.issue('node')
const other = authority.issue('other')
const ca = authority.pem
const TLS = ['-tls-cert', own.certFile, '-tls-key', own.keyFile]
const call = promisify(execFile)

/** Files of a node's own, to be changed while it runs. */
function ownFiles(t: Test) {
  const folder = temporaryFolder(t)
  const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') }
  const put = (pair: typeof own) => {
    copyFileSync(pair.certFile, files.certFile)
    copyFileSync(pair.keyFile, files.keyFile)
  }
  put(own)
  return { ...files, put, words: ['-tls-cert', files.certFile, '-tls-key', files.keyFile] }
}

t.test('files that cannot serve end the program with one line', async (t) => {
  const folder = temporaryFolder(t)
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const empty = file('empty.pem', '')
  const damaged = file('damaged.pem', own.cert.toString().replace(/M/g, 'A'))
  const locked = join(folder, 'locked.key')
  await call('openssl', ['pkey', '-in', own.keyFile, '-aes128', '-passout', 'pass:x', '-out', locked])
  const bad: [words: string[], said: RegExp][] = [
    [['-tls-cert', own.certFile], /needs its private key: add -tls-key FILE/],
    [['-tls-key', own.keyFile], /need the certificate: add -tls-cert FILE/],
    [
      ['-tls-cert', '/nowhere', '-tls-key', own.keyFile],
      /-tls-cert \/nowhere cannot be read \(ENOENT\): give/,
    ],
    [['-tls-cert', folder, '-tls-key', own.keyFile], /cannot be read \(EISDIR\): give/],
    [['-tls-cert', empty, '-tls-key', own.keyFile], /holds no certificate: it must be in PEM form/],
    [['-tls-cert', damaged, '-tls-key', own.keyFile], /certificate 1 in it is damaged/],
    [['-tls-cert', own.certFile, '-tls-key', empty], /holds no private key: it must be in PEM form/],
    [['-tls-cert', own.certFile, '-tls-key', own.certFile], /holds no private key/],
    [['-tls-cert', own.certFile, '-tls-key', locked], /is encrypted: give it without a passphrase/],
    [
      ['-tls-cert', own.certFile, '-tls-key', other.keyFile],
      /is not the key of the certificate in -tls-cert/,
    ],
    [[...TLS, '-tls-ca', empty], /-tls-ca .* holds no certificate/],
  ]
  for (const [words, said] of bad) {
    t.throws(() => readCertificates(readSettings(words, {}).tls!), said, said.source)
  }
  for (const [words, said] of bad.slice(0, 3)) {
    const { code, stderr } = await run(['-port', '0', '-data', join(folder, 'data'), ...words]).ended
    t.equal(code, 2, said.source)
    t.match(stderr, said)
    t.equal(stderr.trim().split('\n').length, 1, 'one line')
  }
  t.notOk(existsSync(join(folder, 'data')), 'and nothing is made')
})

t.test('SIGHUP', async (t) => {
  const files = ownFiles(t)
  const { port, child, stderr, readyLine } = await startServer(t, ['-host', '127.0.0.1', ...files.words])
  t.match(readyLine, /over TLS on https:\/\//)
  const subject = async () => {
    const socket = await dial(port, { ca })
    const { CN } = socket.getPeerCertificate().subject
    socket.destroy()
    return CN
  }
  const before = await dial(port, { ca })
  let session: Buffer | undefined
  before.on('session', (given) => {
    session = given
  })
  const taker = new Taker(before)
  before.write(set('a', '1'))
  await taker.exactly(5)
  const hang = async (said: RegExp) => {
    const already = stderr().length
    child.kill('SIGHUP')
    return until(() => said.test(stderr().slice(already)))
  }
  writeFileSync(files.certFile, 'nonsense')
  t.ok(await hang(/certificates not read again, the old ones stay: -tls-cert .* holds no certificate/))
  t.equal(await subject(), 'node', 'the old ones stay')
  copyFileSync(other.certFile, files.certFile)
  t.ok(await hang(/the old ones stay: -tls-key .* is not the key of/))
  t.equal(await subject(), 'node')
  const resumed = await dial(port, { ca, ...(session === undefined ? {} : { session }) })
  t.ok(resumed.isSessionReused(), 'sessions are resumed')
  resumed.destroy()
  files.put(other)
  t.ok(await hang(/certificates read again: new connections see them/))
  t.equal(await subject(), 'other', 'new connections see the new one')
  const anew = await dial(port, { ca, ...(session === undefined ? {} : { session }) })
  t.notOk(anew.isSessionReused(), 'but not those of before')
  anew.destroy()
  before.write(get('a'))
  t.equal((await taker.exactly(6)).toString('hex'), '000100000031', 'old connections live on')
  before.destroy()
  files.put(authority.issue('ended', ['20200101000000Z', '20210101000000Z']))
  t.ok(await hang(/the certificate has ended on 2021-01-01T00:00:00.000Z: clients that check it will refuse/))
  const error = await dial(port, { ca }).catch((error) => error)
  t.equal(error.code, 'CERT_HAS_EXPIRED')
})

t.test('SIGTERM answers what is under way', async (t) => {
  const { port, child, ended } = await startServer(t, ['-host', '127.0.0.1', '-durability', 'os', ...TLS])
  const value = Buffer.alloc(6_000_000, 'v')
  const asking = new Taker(await dial(port, { ca }))
  asking.socket.write(set('k', value))
  await asking.exactly(5)
  // More than the socket takes at once: it is under way when the first byte is here.
  asking.socket.write(get('k'))
  await asking.exactly(1)
  const idle = await dial(port, { ca })
  const silent = await connect(port)
  const half = await connect(port)
  half.write(Buffer.from('16030100c8010000c403', 'hex'))
  await sleep(300)
  const began = Date.now()
  child.kill('SIGTERM')
  const rest = 5 + value.length - 1
  const [said] = await Promise.all([asking.exactly(rest), once(idle, 'close'), once(silent, 'close')])
  t.equal(said.length, rest, 'the reply, whole')
  t.equal((await asking.some(1)).length, 0, 'and then the end')
  t.equal((await ended).code, 0)
  t.ok(Date.now() - began < 5000, 'nobody in a handshake holds it up')
})

t.test('openssl, curl and redis-cli', async (t) => {
  const words = ['-host', '127.0.0.1', ...TLS, '-tls-ca', authority.file]
  const { port } = await startServer(t, words)
  const pair = authority.issue('client')
  const url = `https://localhost:${port}/key`
  const shown = ['--cacert', authority.file, '--cert', pair.certFile, '--key', pair.keyFile]
  const put = await call('curl', ['-s', ...shown, '-X', 'PUT', url, '-d', '{"value":[1,2]}'])
  t.equal(put.stdout, '{"success":true}')
  t.equal((await call('curl', ['-s', ...shown, url])).stdout, '{"success":true,"data":[1,2]}')
  const stranger = await call('curl', ['-s', '--cacert', authority.file, url])
  t.match(stranger.stdout, /"error":"a client certificate signed by .*","code":"UNAUTHORIZED"/)
  const unknown = await call('curl', ['-s', url]).catch((error) => error)
  t.equal(unknown.code, 60, 'curl does not know the authority')

  const redis = ['--tls', '--cacert', authority.file, '-h', 'localhost', '-p', `${port}`]
  const asRedis = [...redis, '--cert', pair.certFile, '--key', pair.keyFile]
  t.equal((await call('redis-cli', [...asRedis, 'get', 'key'])).stdout, '[1,2]\n')
  t.match((await call('redis-cli', [...redis, 'get', 'key'])).stdout, /^NOAUTH a client certificate/)

  for (const version of ['-tls1_2', '-tls1_3']) {
    const client = spawn('openssl', [
      ...['s_client', '-connect', `localhost:${port}`, '-CAfile', authority.file, '-verify_return_error'],
      ...['-cert', pair.certFile, '-key', pair.keyFile, '-quiet', version],
    ])
    t.equal((await answerOf(client, get('key'), 10)).toString('latin1'), '\0\x05\0\0\0[1,2]', version)
  }
})

async function answerOf(client: ChildProcess, request: Buffer, length: number): Promise<Buffer> {
  client.stdin!.write(request)
  let said = Buffer.alloc(0)
  for await (const part of client.stdout!) {
    said = Buffer.concat([said, part as Buffer])
    if (said.length >= length) break
  }
  client.kill()
  return said
}
