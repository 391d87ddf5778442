/** The programs with a master whose port speaks TLS: who is taken, who is told why not, and SIGHUP. */
import { appendFileSync, copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Authority, type Pair } from '@minivault/certificates'
import { readCertificates } from '@minivault/command-line'
import { freePort } from '@minivault/free-port'
import { callJson } from '@minivault/master'
import t, { type Test } from 'tap'
import { until } from './support/large-transfers.ts'
import { run, startServer, temporaryFolder } from './support/server.ts'
import { dial } from './support/tls-client.ts'

const PATIENCE_MS = 60_000
const HERE = ['-host', '127.0.0.1']
const authority = new Authority(t)
const stranger = new Authority(t, 'stranger')
/** Nobody signed it but itself. */
const selfSigned = { certFile: stranger.file, keyFile: join(stranger.folder, 'ca.key') }

type Files = Pick<Pair, 'certFile' | 'keyFile'>

function tlsWords({ certFile, keyFile }: Files, caFile: string): string[] {
  return ['-tls-cert', certFile, '-tls-key', keyFile, '-tls-ca', caFile]
}

function startMaster(t: Test, words: readonly string[], founders = 1) {
  return startServer(t, ['-mode', 'master', ...HERE, '-founders', `${founders}`, ...words])
}

async function workerWords(master: string, tls: readonly string[]): Promise<string[]> {
  const port = await freePort()
  const own = ['-port', `${port}`, '-public-url', `localhost:${port}`, '-region', 'eu', '-master', master]
  return [...HERE, ...own, ...tls]
}

/** Starts, does not become ready, and says why in one line. */
async function isRefused(t: Test, words: readonly string[], line: RegExp): Promise<void> {
  const refused = run([...words, '-data', temporaryFolder(t)])
  const kill = async () => {
    refused.child.kill('SIGKILL')
    await refused.ended
  }
  t.teardown(kill)
  const told = () => refused.stderr().match(/"msg":"the master at [^\n]*/g) ?? []
  t.ok(await until(() => told().length > 0, PATIENCE_MS))
  t.match(told()[0], line, `${line}`)
  t.equal(told().length, 1, told().join(' | '))
  t.equal(refused.stdout(), '', 'it is not ready')
  await kill()
}

async function askMaster(port: number, path: string, { certFile, keyFile }: Files) {
  const reply = await callJson({
    url: `https://localhost:${port}`,
    path,
    authKey: null,
    security: readCertificates({ certFile, keyFile, caFile: authority.file }),
    timeoutMs: PATIENCE_MS,
    bytesMax: 1_000_000,
  })
  return reply.value as Record<string, unknown>
}

t.test('workers find each other through a master with a certificate', async (t) => {
  const pair = authority.issue('master')
  const words = tlsWords(pair, authority.file)
  const { port, readyLine } = await startMaster(t, words, 2)
  t.match(readyLine, /^minivault ready: master on https:\/\/127\.0\.0\.1:/)
  const master = `https://localhost:${port}`
  const [first, second] = [authority.issue('first'), authority.issue('second')]
  const started = [first, second].map(async (own) =>
    startServer(t, await workerWords(master, tlsWords(own, authority.file))),
  )
  await Promise.all(started)
  const layout = await askMaster(port, '/-/admin/layout', pair)
  t.match(layout, { epoch: 1, phase: 'settled', members: [{ region: 'eu' }, { region: 'eu' }] })

  const health = await run(['-mode', 'master', '-health', ...HERE, '-port', `${port}`, ...words]).ended
  t.match(health, { code: 0, stdout: 'ready\n' }, '-health')

  await t.test('a worker that does not trust the master', async (t) => {
    const strange = tlsWords(stranger.issue('strange'), stranger.file)
    const line =
      /does not answer \(its certificate is not trusted: .*-tls-ca names the authority\): this worker/
    await isRefused(t, await workerWords(master, strange), line)
  })
  await t.test('a worker that the master does not trust', async (t) => {
    const line =
      /refuses this worker: the master does not reach .* \(its certificate is not trusted: self-signed/
    await isRefused(t, await workerWords(master, tlsWords(selfSigned, authority.file)), line)
  })
  await t.test('a worker that speaks plainly', async (t) => {
    const plain = await workerWords(`http://localhost:${port}`, tlsWords(first, authority.file))
    await isRefused(t, plain, /does not answer \(.*\): this worker waits/)
  })
  t.match(await askMaster(port, '/health', pair), { workers_live: 2, layout_members: 2 })
})

t.test('masters that cannot be trusted', async (t) => {
  const own = tlsWords(authority.issue('worker'), authority.file)
  const { port } = await startMaster(t, tlsWords(selfSigned, authority.file))
  const line = /does not answer \(its certificate is not trusted: self-signed certificate; -tls-ca names/
  await isRefused(t, await workerWords(`https://localhost:${port}`, own), line)
  const plain = await startMaster(t, [])
  const words = await workerWords(`https://localhost:${plain.port}`, own)
  await isRefused(
    t,
    words,
    /does not answer \(it does not speak TLS: http:\/\/ instead of https:\/\/\): this/,
  )
})

t.test('SIGHUP', async (t) => {
  const folder = temporaryFolder(t)
  const [certFile, keyFile, caFile] = ['cert.pem', 'key.pem', 'ca.pem'].map((name) => join(folder, name))
  const put = (pair: Files) => {
    copyFileSync(pair.certFile, certFile!)
    copyFileSync(pair.keyFile, keyFile!)
  }
  put(authority.issue('before'))
  copyFileSync(authority.file, caFile!)
  const words = tlsWords({ certFile: certFile!, keyFile: keyFile! }, caFile!)
  const { port, child, stderr } = await startMaster(t, words)
  const subject = async () => {
    const socket = await dial(port, { ca: authority.pem })
    const { CN } = socket.getPeerCertificate().subject
    socket.destroy()
    return CN
  }
  const hang = async (said: RegExp) => {
    const already = stderr().length
    child.kill('SIGHUP')
    t.ok(await until(() => said.test(stderr().slice(already)), PATIENCE_MS), `${said}`)
  }
  const both = join(folder, 'both.pem')
  copyFileSync(authority.file, both)
  appendFileSync(both, stranger.pem)
  const strange = await workerWords(`https://localhost:${port}`, tlsWords(stranger.issue('worker'), both))
  await isRefused(t, strange, /refuses this worker: .* \(its certificate is not trusted/)

  writeFileSync(certFile!, 'nonsense')
  await hang(/certificates not read again, the old ones stay: -tls-cert .* holds no certificate/)
  t.equal(await subject(), 'before', 'the old ones stay')
  put(authority.issue('after'))
  copyFileSync(both, caFile!)
  await hang(/certificates read again: new connections see them/)
  t.equal(await subject(), 'after', 'new connections see the new one')
  await startServer(t, strange)
  t.pass('and an authority that was added is trusted')
})

t.test('files that cannot serve end the master with one line', async (t) => {
  const pair = authority.issue('master')
  const data = join(temporaryFolder(t), 'data')
  const bad: [words: string[], said: RegExp][] = [
    [tlsWords({ ...pair, certFile: '/nowhere' }, authority.file), /-tls-cert \/nowhere cannot be read/],
    [tlsWords({ ...pair, keyFile: selfSigned.keyFile }, authority.file), /is not the key of the certificate/],
    [['-tls-ca', pair.keyFile], /-tls-ca .* holds no certificate: it must be in PEM form/],
  ]
  for (const [words, said] of bad) {
    const { code, stderr } = await run(['-mode', 'master', '-port', '0', '-data', data, ...words]).ended
    t.equal(code, 2)
    t.match(stderr, said)
    t.equal(stderr.trimEnd().split('\n').length, 1, 'one line')
  }
})
