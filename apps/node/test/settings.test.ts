/** The command line: every spelling, every mistake; one line on stderr, the right exit code. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { UsageError } from '@minivault/command-line'
import t, { type Test } from 'tap'
import { readSettings } from '../src/settings/settings.ts'
import { run, startServer, temporaryFolder } from './support/server.ts'

t.test('spellings', async (t) => {
  const expected = { port: 3001, directory: './data1' }
  for (const line of [
    '-port 3001 -data ./data1',
    '--port 3001 --data ./data1',
    '-port=3001 --data=./data1',
    '-data ./data1 -port 3001',
  ]) {
    t.match(readSettings(line.split(' '), {}), expected, line)
  }
  t.match(readSettings([], { MINIVAULT_PORT: '3001', MINIVAULT_DATA: './data1' }), expected, 'environment')
  t.match(
    readSettings(['-port', '3001'], { MINIVAULT_PORT: '1', MINIVAULT_DATA: './data1' }),
    expected,
    'flags win',
  )
})

t.test('defaults, and variables of others', async (t) => {
  t.same(readSettings([], { MINIVAULT_URL: 'minivault://x', MINIVAULT_NONSENSE: '1', MINIVAULT_PORT: '' }), {
    port: 3000,
    httpPort: 0,
    respPort: 0,
    host: '0.0.0.0',
    directory: './data',
    durability: 2,
    authKey: null,
    authMode: 'none',
    ratePerSecond: 0,
    cacheBytes: 512 * 1024 * 1024,
    protocols: new Set(['binary', 'http', 'resp']),
    connectionsMax: 50_000,
    publicUrl: null,
    maxOffsetMs: 500,
    cluster: null,
    tls: null,
    corsOrigins: null,
  })
})

t.test('every flag', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'key'), 'from a file\nsecond line\n')
  const line =
    '-port 1 -http 2 -host 127.0.0.1 -data d -durability os -authmode writes -ratelimit 100000 ' +
    '-cache 2048 -protocols http -maxconns 9 -public-url localhost:3001 -mode worker ' +
    '-resp 3 -tls-cert c -tls-key k -tls-ca a -cors https://a.example,http://localhost:5173 ' +
    `-workers 7 -region eu -bootstrap yes -max-offset 250 -auth-file ${join(folder, 'key')}`
  const cluster = { CLUSTER_NODES: 'localhost:3003,LOCALHOST:3002,localhost:3001' }
  t.same(readSettings(line.split(' '), cluster), {
    port: 1,
    httpPort: 2,
    respPort: 3,
    host: '127.0.0.1',
    directory: 'd',
    durability: 1,
    authKey: 'from a file',
    authMode: 'writes',
    ratePerSecond: 100_000,
    cacheBytes: 2048 * 1024 * 1024,
    protocols: new Set(['http']),
    connectionsMax: 9,
    publicUrl: 'localhost:3001',
    maxOffsetMs: 250,
    cluster: {
      name: 'localhost:3001',
      region: 'eu',
      zone: '',
      founders: {
        kind: 'list',
        members: [3001, 3002, 3003].map((port) => ({ name: `localhost:${port}`, region: 'eu' })),
      },
      workers: 7,
      foundsAlone: true,
    },
    tls: { certFile: 'c', keyFile: 'k', caFile: 'a' },
    corsOrigins: new Set(['https://a.example', 'http://localhost:5173']),
  })
  t.equal(readSettings(['-auth', 'flag'], { MINIVAULT_AUTH_FILE: '/nowhere' }).authKey, 'flag', 'flags win')
  t.equal(readSettings(['-auth', ''], {}).authKey, null, 'the documented default -auth ""')
})

t.test('mistakes are one line that names the flag', async (t) => {
  const rows: [line: string, environment: Record<string, string>, message: RegExp][] = [
    ['-prot 3000', {}, /^-prot is not a flag \(did you mean -port\?\): see/],
    ['-nonsense', {}, /^-nonsense is not a flag: see/],
    ['serve', {}, /^serve is not a flag/],
    ['-port', {}, /^-port needs a value/],
    ['-auth -authmode writes', {}, /^-auth needs a value/],
    ['-port abc', {}, /^-port takes a whole number from 0 to 65535, not "abc"/],
    ['-port -5', {}, /^-port takes a whole number/],
    ['-port 70000', {}, /^-port takes a whole number/],
    ['-port 1e3', {}, /^-port takes a whole number/],
    ['-port 3000 -port 3001', {}, /^-port is given twice/],
    ['-constructor x', {}, /^-constructor is not a flag/],
    ['-data a -data', {}, /^-data is given twice/],
    ['-port 3000 3001', {}, /^-port is given one value, not 2/],
    ['-cache 1', {}, /^-cache takes a whole number from 4/],
    ['-authmode some', {}, /^-authmode takes none, writes, all, not "some"/],
    ['-authmode writes', {}, /^-authmode writes needs a key/],
    ['-authmode all', {}, /^-authmode all needs a key/],
    ['-durability disk', {}, /^-durability takes memory, os, fsync/],
    ['-protocols http,gopher', {}, /^-protocols takes a comma-separated list/],
    ['-http 3000', {}, /^-http 3000 is -port already/],
    ['-auth a -auth-file b', {}, /choose one/],
    ['-auth-file /nowhere', {}, /^-auth-file \/nowhere cannot be read \(ENOENT\)/],
    [`-auth ${'x'.repeat(1025)}`, {}, /at most 1024 bytes/],
    ['-mode leader', {}, /^-mode takes worker, master, not "leader"/],
    ['-workers 0', {}, /^-workers takes a whole number from 1 to/],
    ['-bootstrap maybe', {}, /^-bootstrap takes no, yes/],
    ['-master http://x', {}, /^-master needs -public-url: the address under which/],
    ['-master http://x -public-url a:1', { CLUSTER_NODES: 'b:1' }, /^-master and CLUSTER_NODES both say/],
    ['-master x:1 -public-url a:1', {}, /^-master takes the address of a master, such as .*, not "x:1"/],
    ['-master http://x/y -public-url a:1', {}, /^-master takes the address of a master/],
    ['-master http://x -public-url a:1 -protocols binary', {}, /^-master needs http among -protocols/],
    ['-master http://x -public-url a:1 -region EU', {}, /^-region, -zone: .*"EU"; it is 1 to 63 of a-z/],
    ['-region eu', {}, /^-region says where a node of a cluster stands: add -master URL, or CLUSTER_NODES/],
    ['-public-url a:1 -zone z', { CLUSTER_NODES: 'b:1' }, /^-zone: CLUSTER_NODES has no zones/],
    ['-public-url a:1 -region EU', { CLUSTER_NODES: 'b:1' }, /^-region, -zone: a:1 has the region "EU"/],
    ['-resp 3000', {}, /^-resp 3000 is -port already/],
    ['-http 4000 -resp 4000', {}, /^-resp 4000 is -http already/],
    ['-tls-cert x', {}, /^-tls-cert needs its private key: add -tls-key/],
    ['-tls-key x', {}, /need the certificate: add -tls-cert/],
    ['-tls-ca x', {}, /need the certificate: add -tls-cert/],
    ['-cors app.example.com', {}, /^-cors takes origins such as .*, not "app.example.com"/],
    ['-cors https://app.example.com/', {}, /^-cors takes origins/],
    ['', { CLUSTER_NODES: 'a:1' }, /^CLUSTER_NODES needs -public-url: the address under which/],
    ['-public-url a:1', { CLUSTER_NODES: 'a:1' }, /^CLUSTER_NODES lists only this node itself/],
    ['-public-url a:1', { CLUSTER_NODES: 'b:2,B:2' }, /^CLUSTER_NODES lists b:2 twice/],
    ['-public-url a:1', { CLUSTER_NODES: 'b' }, /^CLUSTER_NODES: the member name "b" has no port/],
    ['-public-url a/b', { CLUSTER_NODES: 'b:1' }, /^-public-url: the member name "a\/b" has a path/],
    ['', { MINIVAULT_PORT: 'abc' }, /^MINIVAULT_PORT takes a whole number/],
    ['', { MINIVAULT_WORKERS: 'many' }, /^MINIVAULT_WORKERS takes a whole number/],
  ]
  for (const [line, environment, message] of rows) {
    const words = line.split(' ').filter((word) => word !== '')
    try {
      readSettings(words, environment)
      t.fail(`${line} was accepted`)
    } catch (error) {
      t.ok(error instanceof UsageError, line)
      t.match((error as Error).message, message)
      t.notMatch((error as Error).message, /\n/)
    }
  }
})

async function fails(t: Test, words: string[], code: number, line: RegExp, environment = {}): Promise<void> {
  const ended = await run(words, environment).ended
  t.equal(ended.code, code, words.join(' '))
  t.match(ended.stderr, line)
  t.equal(ended.stderr.trimEnd().split('\n').length, 1, 'one line')
  t.equal(ended.stdout, '')
}

t.test('the program: usage is 2', async (t) => {
  await fails(t, ['-port', 'abc'], 2, /^minivault-node: -port takes a whole number/)
  await fails(t, [], 2, /CLUSTER_NODES/, { CLUSTER_NODES: 'localhost:3001' })
})

t.test('the program: help and version', async (t) => {
  const help = await run(['--help']).ended
  t.equal(help.code, 0)
  for (const flag of [
    '-port',
    '-http',
    '-data',
    '-auth',
    '-authmode',
    '-ratelimit',
    '-cache',
    '-durability',
  ]) {
    t.match(help.stdout, new RegExp(`^  ${flag}\\b`, 'm'))
  }
  t.match((await run(['-version']).ended).stdout, /^\d+\.\d+\.\d+\n$/)
})

t.test('the program: what cannot start is 1', async (t) => {
  const folder = temporaryFolder(t)
  const busy = net.createServer()
  await new Promise<void>((resolve) => busy.listen(0, '0.0.0.0', resolve))
  t.teardown(() => busy.close())
  const { port } = busy.address() as net.AddressInfo
  await fails(t, ['-port', `${port}`, '-data', folder], 1, new RegExp(`port ${port} is in use: .*-port`))

  const running = await startServer(t, ['-data', folder])
  await fails(t, ['-port', '0', '-data', folder], 1, new RegExp(`${running.child.pid}`))

  writeFileSync(join(folder, 'file'), '')
  await fails(t, ['-port', '0', '-data', join(folder, 'file')], 1, /file/)
  mkdirSync(join(folder, 'sealed'))
  chmodSync(join(folder, 'sealed'), 0o500)
  if (process.getuid?.() !== 0) await fails(t, ['-port', '0', '-data', join(folder, 'sealed')], 1, /sealed/)
  await fails(t, ['-port', '0', '-data', '/proc/nowhere'], 1, /\/proc\/nowhere/)
  await fails(
    t,
    ['-port', '0', '-data', temporaryFolder(t), '-host', '203.0.113.1'],
    1,
    /-host 203\.0\.113\.1/,
  )
})
