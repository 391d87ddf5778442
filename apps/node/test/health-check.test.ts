/** `minivault-node -health`: what supervisors ask, against real nodes. */
import { Authority } from '@minivault/certificates'
import { freePort } from '@minivault/free-port'
import t from 'tap'
import { run, startServer, temporaryFolder } from './support/server.ts'

const check = (words: string[], environment: NodeJS.ProcessEnv = {}) =>
  run(['-health', ...words], environment).ended

t.test('a node that is ready', async (t) => {
  const server = await startServer(t, ['-host', '127.0.0.1'])
  t.match(await check(['-port', `${server.port}`]), { code: 0, stdout: 'ready\n', stderr: '' })
  const described = { MINIVAULT_PORT: `${server.port}`, MINIVAULT_HOST: '127.0.0.1' }
  t.match(await check([], described), { code: 0 }, 'its variables do as well')
  const binary = await startServer(t, ['-port', `${await freePort()}`, '-protocols', 'binary,http'])
  t.match(await check(['-port', `${binary.port}`, '-protocols', 'binary']), { code: 0 }, 'without HTTP')
})

t.test('a member that waits for the others', async (t) => {
  const [port, other] = [await freePort(), await freePort()]
  const words = ['-port', `${port}`, '-public-url', `localhost:${port}`]
  const environment = { CLUSTER_NODES: `localhost:${other}` }
  const member = run([...words, '-data', temporaryFolder(t)], environment)
  t.teardown(() => member.child.kill('SIGKILL'))
  let answer = await check(words, environment)
  while (/no answer/.test(answer.stderr)) answer = await check(words, environment)
  t.match(answer, { code: 1, stdout: '', stderr: /^minivault-node: not ready: .+\n$/ })
})

t.test('nobody there, and no port', async (t) => {
  const nobody = await check(['-port', `${await freePort()}`])
  t.match(nobody, { code: 1, stderr: /^minivault-node: no answer from 127\.0\.0\.1:\d+ \(ECONNREFUSED\)\n$/ })
  t.match(await check(['-port', '0']), { code: 2, stderr: /-health needs the port/ })
  t.match(await check(['-prot', '1']), { code: 2, stderr: /-prot is not a flag/ })
})

t.test('a node that wants certificates', async (t) => {
  const authority = new Authority(t)
  const { certFile, keyFile } = authority.issue('node')
  const words = ['-host', '127.0.0.1', '-tls-cert', certFile, '-tls-key', keyFile, '-tls-ca', authority.file]
  const server = await startServer(t, words)
  t.match(await check(['-port', `${server.port}`, ...words]), { code: 0, stdout: 'ready\n' })
  const plain = await check(['-port', `${server.port}`])
  t.match(plain, { code: 1, stderr: /no answer|not ready/ }, 'asked without TLS')
})
