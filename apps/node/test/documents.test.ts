/**
 * The single-node command lines of the two published documents, as printed, with `minivault-node` for the
 * program's name: run by a shell, in a folder of their own. Only the ports are replaced by free ones.
 */
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '@minivault/free-port'
import t, { type Test } from 'tap'
import { auth, BinaryClient, get, set } from './support/binary-client.ts'
import { temporaryFolder } from './support/server.ts'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const PORTS = { 3000: 0, 8080: 0 }

class Shell {
  readonly folder: string
  readonly #environment: NodeJS.ProcessEnv

  constructor(t: Test) {
    this.folder = temporaryFolder(t)
    const bin = join(this.folder, 'bin')
    mkdirSync(bin)
    const program = join(bin, 'minivault-node')
    const node = `"${process.execPath}" --import=${import.meta.resolve('tsx')} --conditions=minivault:source`
    writeFileSync(program, `#!/bin/sh\nexec ${node} "${MAIN}" "$@"\n`)
    chmodSync(program, 0o755)
    this.#environment = { ...process.env, PATH: `${bin}:${process.env['PATH']}` }
  }

  #withPorts(script: string): string {
    return script.replaceAll('3000', `${PORTS[3000]}`).replaceAll('8080', `${PORTS[8080]}`)
  }

  run(script: string): string {
    const options = { cwd: this.folder, env: this.#environment, encoding: 'utf8' } as const
    return spawnSync('bash', ['-c', this.#withPorts(script)], options).stdout
  }

  /** Starts a node by its printed command line; stopped with Ctrl+C's signal at the end of the test. */
  async start(t: Test, script: string): Promise<void> {
    PORTS[3000] = await freePort()
    PORTS[8080] = await freePort()
    const options = { cwd: this.folder, env: this.#environment, detached: true } as const
    const child = spawn('bash', ['-c', this.#withPorts(script)], options)
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
    let output = ''
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (text) => {
        output += text
        if (output.includes('minivault ready')) resolve()
      })
      ended.then(() => reject(new Error(`ended: ${output}`)))
    })
    t.teardown(async () => {
      process.kill(-child.pid!, 'SIGINT')
      await ended
    })
  }
}

t.test('the first document: single node and its usage', async (t) => {
  const shell = new Shell(t)
  await shell.start(t, 'minivault-node -port 3000 -data ./data')
  t.ok(existsSync(join(shell.folder, 'data')), 'the data folder is where the command line says')
  const store = `curl -s -X POST http://localhost:3000/mykey \\
  -H "Content-Type: application/json" \\
  -d '{"value": "hello world"}'`
  t.equal(shell.run(store), '{"success":true}')
  t.match(shell.run(store), /"code":"KEY_EXISTS"/)
  t.equal(shell.run('curl -s http://localhost:3000/mykey'), '{"success":true,"data":"hello world"}')
  t.equal(
    shell.run(`curl -s -X PUT http://localhost:3000/mykey \\
  -H "Content-Type: application/json" \\
  -d '{"value": "updated"}'`),
    '{"success":true}',
  )
  t.equal(shell.run('curl -s http://localhost:3000/mykey'), '{"success":true,"data":"updated"}')
  t.equal(shell.run('curl -s -X DELETE http://localhost:3000/mykey'), '{"success":true}')
  t.match(shell.run('curl -s http://localhost:3000/mykey'), /"code":"KEY_NOT_FOUND"/)
})

t.test('the second document: both protocols, as printed', async (t) => {
  const shell = new Shell(t)
  await shell.start(t, 'minivault-node -port 3000 -http 8080 -data ./data')
  t.equal(
    shell.run(`curl -s -X PUT http://localhost:8080/mykey \\
  -H "Content-Type: application/json" \\
  -d '{"value": "hello world"}'`),
    '{"success":true}',
  )
  t.equal(shell.run('curl -s http://localhost:8080/mykey'), '{"success":true,"data":"hello world"}')
  t.equal(shell.run('curl -s -X DELETE http://localhost:8080/mykey'), '{"success":true}')
  t.match(JSON.parse(shell.run('curl -s http://localhost:8080/health')), { status: 'ok' })
})

t.test('the second document: production flags of one node', async (t) => {
  const shell = new Shell(t)
  await shell.start(
    t,
    `minivault-node \\
    -port 3000 \\
    -http 8080 \\
    -public-url "node1.example.com:3000" \\
    -data ./minivault \\
    -auth "production-secret-key" \\
    -authmode writes \\
    -ratelimit 100000 \\
    -cache 2048`,
  )
  const client = new BinaryClient(PORTS[3000])
  t.equal((await client.one(set('a', '1'))).status, 0xff, 'a write without the key')
  t.equal((await client.one(auth('production-secret-key'))).status, 0)
  t.equal((await client.one(set('a', '1'))).status, 0)
  t.equal((await client.one(get('a'))).data.toString(), '1')
  client.close()
  t.equal(
    shell.run(
      'curl -s -X PUT -H "Authorization: Bearer production-secret-key" ' +
        'http://localhost:8080/b -d \'{"value":2}\'',
    ),
    '{"success":true}',
  )
  const health = JSON.parse(shell.run('curl -s http://localhost:8080/health'))
  t.match(health.public_url, /^node1\.example\.com/)
})
