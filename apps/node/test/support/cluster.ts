/** Starts real clusters as the documents do: each node a process, given the addresses of the others. */

import { freePort } from '@minivault/free-port'
import type { Test } from 'tap'
import { type Server, startServer, temporaryFolder } from './server.ts'

export interface ClusterNode extends Server {
  name: string
  folder: string
}

export interface ClusterOptions {
  count?: number
  words?: string[]
}

export class TestCluster {
  readonly nodes: ClusterNode[] = []
  readonly ports: number[]
  /** So many begin the cluster; those behind join it. */
  readonly #founders: number
  readonly #t: Test
  readonly #words: readonly string[]
  readonly #folders: string[]

  private constructor(t: Test, ports: readonly number[], { words = [] }: ClusterOptions) {
    this.#t = t
    this.ports = [...ports]
    this.#founders = ports.length
    this.#words = words
    this.#folders = ports.map(() => temporaryFolder(t))
  }

  /** Not started. */
  static of(t: Test, ports: readonly number[], options: ClusterOptions = {}): TestCluster {
    return new TestCluster(t, ports, options)
  }

  /** All of them ready. */
  static async start(t: Test, options: ClusterOptions = {}): Promise<TestCluster> {
    const { count = 3 } = options
    const ports: number[] = []
    while (ports.length < count) {
      const port = await freePort()
      if (!ports.includes(port)) ports.push(port)
    }
    const cluster = new TestCluster(t, ports, options)
    await Promise.all(ports.map((_, index) => cluster.startNode(index)))
    return cluster
  }

  /**
   * One more, not started: its index. It is told of all others, they are not told of it; ready it is when
   * a layout has it.
   */
  async addNode(): Promise<number> {
    this.ports.push(await freePort())
    this.#folders.push(temporaryFolder(this.#t))
    return this.ports.length - 1
  }

  /** Anew, over what is in its folder. */
  async startNode(index: number, more: string[] = []): Promise<ClusterNode> {
    const folder = this.#folders[index]!
    const { words, environment, name } = this.commandOf(index)
    const server = await startServer(this.#t, [...words, '-data', folder, ...more], environment)
    const node = { ...server, name, folder }
    this.nodes[index] = node
    return node
  }

  /** The command line of a node but for its folder. */
  commandOf(index: number) {
    const port = this.ports[index]!
    const known = index < this.#founders ? this.ports.slice(0, this.#founders) : this.ports
    const others = known.filter((other) => other !== port)
    const name = `localhost:${port}`
    const environment = { CLUSTER_NODES: others.map((other) => `localhost:${other}`).join(',') }
    const words = ['-port', `${port}`, '-public-url', name, '-host', '127.0.0.1', ...this.#words]
    return { words, environment, name }
  }

  async kill(index: number): Promise<void> {
    const { child, ended } = this.nodes[index]!
    child.kill('SIGKILL')
    await ended
  }

  async stop(index: number): Promise<void> {
    const { child, ended } = this.nodes[index]!
    child.kill('SIGTERM')
    await ended
  }
}
