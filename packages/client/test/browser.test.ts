/**
 * The client in a browser: a page, in Chromium without a screen, uses a real node on another origin. The
 * bundle for it holds nothing of Node.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import type net from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { startServer, temporaryFolder } from './support/server.ts'

const PACKAGE = join(import.meta.dirname, '..')
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome']
const BUNDLE_BYTES_MAX = 64 * 1024

/** One file of an entry; what was said of its size. */
function bundle(entry: string, output: string): string {
  const words = [join(PACKAGE, '../../tools/bundle/browser.mjs'), entry, output]
  return execFileSync(process.execPath, words, { cwd: PACKAGE, encoding: 'utf8' })
}

function findBrowser(): string | undefined {
  return BROWSERS.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0)
}

/** Serves a page that runs the script; `result` is what it posts. */
async function servePage(t: Test, script: string): Promise<{ port: number; result: Promise<unknown> }> {
  let tell: (result: unknown) => void
  const result = new Promise((resolve) => {
    tell = resolve
  })
  const server = http.createServer(async (request, response) => {
    if (request.method === 'POST') {
      let text = ''
      for await (const piece of request) text += piece
      tell(JSON.parse(text))
      response.end()
    } else if (request.url === '/page.js') {
      response.setHeader('content-type', 'text/javascript').end(readFileSync(script))
    } else {
      const page = '<!doctype html><script type="module" src="/page.js"></script>'
      response.setHeader('content-type', 'text/html').end(page)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close().closeAllConnections())
  return { port: (server.address() as net.AddressInfo).port, result }
}

/** Opens the page; what the browser said, when it ends. */
function browse(t: Test, browser: string, url: string): Promise<string> {
  const profile = temporaryFolder(t)
  const words = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run']
  const child = spawn(browser, [...words, `--user-data-dir=${profile}`, '--remote-debugging-port=0', url], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  })
  let said = ''
  child.stderr.on('data', (text) => (said += text))
  const ended = once(child, 'close').then(() => said)
  t.teardown(async () => {
    // Its whole group: it has processes of its own.
    process.kill(-child.pid!, 'SIGKILL')
    await ended
  })
  return ended
}

t.test('the bundle is small and imports nothing', async (t) => {
  const output = join(temporaryFolder(t), 'browser.js')
  t.comment(bundle('src/browser/index.ts', output))
  const text = readFileSync(output, 'utf8')
  t.ok(text.length < BUNDLE_BYTES_MAX, `${text.length} bytes`)
  t.notMatch(text, /["']node:|\bBuffer\b|\brequire\(/)
})

const BROWSER = findBrowser()
const SKIP = BROWSER === undefined ? 'NO BROWSER HERE: apt-get install chromium' : false
if (SKIP !== false) process.stderr.write(`not shown: that pages can use the client. ${SKIP}\n`)

t.test('a page uses a node of another origin', { skip: SKIP, timeout: 180_000 }, async (t) => {
  const script = join(temporaryFolder(t), 'page.js')
  bundle('test/fixtures/page.ts', script)
  const page = await servePage(t, script)
  const words = [
    '-durability',
    'memory',
    '-auth',
    'a key',
    '-authmode',
    'all',
    '-cors',
    `http://127.0.0.1:${page.port}`,
  ]
  const node = await startServer(t, words)
  const closed = await startServer(t, ['-durability', 'memory'])
  const asked = new URLSearchParams({
    one: `http://:a%20key@127.0.0.1:${node.port}`,
    wrongKey: `http://:another@127.0.0.1:${node.port}`,
    closed: `http://127.0.0.1:${closed.port}`,
    frames: `minivault://127.0.0.1:${node.port}`,
  })
  const ended = browse(t, BROWSER!, `http://127.0.0.1:${page.port}/?${asked}`)
  const failed = ended.then((said) => {
    throw new Error(`the browser ended: ${said}`)
  })
  failed.catch(() => {})
  const result = (await Promise.race([page.result, failed])) as Record<string, unknown>
  t.same(result['one'], {
    scanned: [
      ['a:1', 'y'],
      ['a:2', '{"name":"Zoë"}'],
      ['a:3', 'z'],
    ],
    pieces: [0, 7],
    size: 6_000_000,
    cursor: Buffer.from('\u0001a:3').toString('base64url'),
    bytes: [0, 128, 255],
    many: ['z', null, 'dots and slashes'],
    name: 'Zoë',
    isVersionNew: true,
    refused: 'KEY_EXISTS',
    overtaken: 'VERSION_MISMATCH',
    deleted: [true, false, false],
    aborted: 'CLIENT_ABORTED',
    dots: 'CLIENT_UNSUPPORTED',
    health: 'ok',
    events: ['connected'],
  })
  t.match(result['wrongKey'], /^UNAUTHORIZED/)
  t.match(result['closed'], /^CLIENT_DISCONNECTED/, 'without -cors the browser keeps its answers back')
  t.match(result['frames'], /^CLIENT_BAD_ARGUMENT: .*http/)
})
