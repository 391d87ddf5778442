// The Dockerfile's steps in a temporary root, and what it makes started alone and as the compose files say.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePort } from '@minivault/free-port'
import t, { type Test } from 'tap'
import { readCompose, type Service } from '../src/compose.ts'
import { Container, startServices } from '../src/containers.ts'
import { readDockerfile } from '../src/dockerfile.ts'
import { buildImage } from '../src/image.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const IMAGE_BYTES_MAX = 6_000_000

const folder = mkdtempSync(join(tmpdir(), 'minivault-image-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
const image = buildImage(ROOT, folder)

const post = (url: string, body: string) =>
  fetch(url, { method: 'POST', body, headers: { 'Content-Type': 'application/json' } })

t.test('the image', (t) => {
  const files = readdirSync(image.root, { recursive: true, withFileTypes: true }).filter((one) =>
    one.isFile(),
  )
  const bytes = files.reduce((sum, one) => sum + statSync(join(one.parentPath, one.name)).size, 0)
  t.comment(`${files.length} files, ${bytes} bytes beside Node's`)
  t.ok(bytes < IMAGE_BYTES_MAX, 'is small')
  t.notOk(
    files.some(({ name }) => /\.(ts|map|c|cc|o)$/.test(name)),
    'holds nothing that only a build needs',
  )
  t.match(image.user, /^[1-9]\d*:[1-9]\d*$/, 'is not run by root, and says so in numbers')
  t.same(image.volumes, ['/data'])
  t.same(image.ports, [3000])
  t.throws(() => readDockerfile('FROM a\nONBUILD RUN b'), /what does ONBUILD mean/, 'nothing goes unread')
  t.end()
})

t.test('what is set up is there under its names', (t) => {
  // The first stage is a checkout that nothing had been built in.
  const source = join(folder, 'build', 'source')
  for (const name of ['minivault-node', 'minivault-master']) {
    // What `pnpm exec NAME` runs.
    const program = join(source, 'node_modules', '.bin', name)
    const { status, stdout, stderr } = spawnSync(program, ['--help'], { encoding: 'utf8' })
    t.equal(status, 0, stderr)
    t.match(stdout, `Usage: ${name} [flags]`)
  }
  t.end()
})

t.test('docker run', async (t) => {
  const node = started(
    t,
    new Container(image, { environment: {}, command: [] }, await freePort(), join(folder, 'single')),
  )
  await node.untilHealthy()
  t.equal((await post(`${node.url}/test`, '{"value": "hello"}')).status, 201)
  t.match(await (await fetch(`${node.url}/health`)).json(), { status: 'ok', zstd: /^(node:zlib|zstd-napi)$/ })
  t.equal((await node.stop()).code, 0, 'stops with 0')
  t.match(await node.check(), { code: 1, printed: /no answer/ }, 'what has stopped is not healthy')
})

t.test('docker-compose.yml: three peers', async (t) => {
  const services = readCompose(join(ROOT, 'docker-compose.yml'))
  t.same(
    services.map(({ name, ports }) => [name, ...ports]),
    [
      ['vault1', '3001:3000'],
      ['vault2', '3002:3000'],
      ['vault3', '3003:3000'],
    ],
  )
  checkServices(t, services)
  const nodes = await startServices(image, services, join(folder, 'peers'))
  await shareOneKey(t, nodes, ['vault1', 'vault2', 'vault3'])
})

t.test('docker/compose.geo.yaml: a master and three regions', async (t) => {
  const services = readCompose(join(ROOT, 'docker/compose.geo.yaml'))
  const names = services.map(({ name, ports }) => [name, ...ports])
  t.same(names, [
    ['master', '3000:3000'],
    ['eu', '3001:3000'],
    ['us', '3002:3000'],
    ['asia', '3003:3000'],
  ])
  checkServices(t, services)
  const nodes = await startServices(image, services, join(folder, 'geo'))
  await shareOneKey(t, nodes, ['eu'])
})

function started(t: Test, container: Container): Container {
  t.teardown(() => container.kill())
  return container
}

/** What holds for every service of ours. */
function checkServices(t: Test, services: readonly Service[]): void {
  for (const { name, image, hostname, volumes } of services) {
    t.equal(image, 'minivault:latest')
    t.equal(hostname, name, `${name} finds its lock again after a crash`)
    t.same(volumes, [`${name}:/data`], `${name} keeps its data`)
  }
}

/** The documents' two lines: what is created at the first is read at the others at once. */
async function shareOneKey(t: Test, containers: Map<string, Container>, names: string[]): Promise<void> {
  for (const container of containers.values()) started(t, container)
  await Promise.all([...containers.values()].map((container) => container.untilHealthy()))
  const [first, ...others] = names.map((name) => containers.get(name)!)
  t.equal((await post(`${first!.url}/test`, '{"value": "hello"}')).status, 201)
  for (const other of others) {
    t.equal(await (await fetch(`${other.url}/test`)).text(), '{"success":true,"data":"hello"}')
  }
  const ended = await Promise.all([...containers.values()].map((container) => container.stop()))
  t.same(
    ended.map(({ code }) => code),
    ended.map(() => 0),
    'all stop with 0',
  )
}
