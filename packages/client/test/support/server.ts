/** The real program, spawned on a free port, alone or as one of a cluster; ends with the test. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from '@minivault/free-port'
import type { Test } from 'tap'

const NODE = new URL('../../../../apps/node/', import.meta.url)
/** Where it was built just before (`npm test`), the program as it is shipped: it starts ten times as fast. */
const NODE_ARGUMENTS = process.env['MINIVAULT_TEST_BUILT']
  ? [fileURLToPath(new URL('bin/minivault-node.js', NODE))]
  : ['--import=tsx', '--conditions=minivault:source', fileURLToPath(new URL('src/main.ts', NODE))]

export interface Server {
  child: ChildProcess
  port: number
}

export function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'minivault-client-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export async function startServer(
  t: Test,
  words: string[] = [],
  data = temporaryFolder(t),
  environment: Record<string, string> = {},
): Promise<Server> {
  const withPort = words.includes('-port') ? words : ['-port', '0', ...words]
  const child = spawn(
    process.execPath,
    [...NODE_ARGUMENTS, ...withPort, '-host', '127.0.0.1', '-data', data],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } },
  )
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()))
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const port = await new Promise<number>((resolve, reject) => {
    let out = ''
    let err = ''
    child.stderr.on('data', (text) => (err += text))
    child.stdout.on('data', (text) => {
      out += text
      const ready = /^minivault ready: .*https?:\/\/[^:]+:(\d+)/m.exec(out)
      if (ready) resolve(Number(ready[1]))
    })
    ended.then(() => reject(new Error(`the node ended: ${out}${err}`)))
  })
  return { child, port }
}

/** Three members on ports of their own. */
export class ServerCluster {
  readonly ports: readonly number[]
  readonly servers: Server[] = []
  readonly #t: Test
  readonly #folders: readonly string[]

  static async start(t: Test): Promise<ServerCluster> {
    const cluster = new ServerCluster(t, await freePorts(3))
    await Promise.all([0, 1, 2].map((place) => cluster.start(place)))
    await cluster.together()
    return cluster
  }

  constructor(t: Test, ports: readonly number[]) {
    this.#t = t
    this.ports = ports
    this.#folders = ports.map(() => temporaryFolder(t))
  }

  get url(): string {
    return `minivault://${this.#names().join(',')}`
  }

  async start(place: number): Promise<void> {
    const names = this.#names()
    const [own] = names.splice(place, 1)
    const words = ['-port', `${this.ports[place]}`, '-public-url', own!, '-durability', 'os']
    const environment = { CLUSTER_NODES: names.join(',') }
    this.servers[place] = await startServer(this.#t, words, this.#folders[place], environment)
  }

  /** Each votes and reaches the others. */
  async together(): Promise<void> {
    for (const port of this.ports) {
      for (;;) {
        const health = await fetch(`http://127.0.0.1:${port}/health`).then((response) => response.json())
        const { votes, members_away: away } = health as { votes: boolean; members_away: string }
        if (votes && away === '') break
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
  }

  /** Returns when it has ended. */
  async kill(place: number, signal: NodeJS.Signals): Promise<void> {
    const { child } = this.servers[place]!
    const ended = once(child, 'close')
    child.kill(signal)
    await ended
  }

  #names(): string[] {
    return this.ports.map((port) => `127.0.0.1:${port}`)
  }
}
