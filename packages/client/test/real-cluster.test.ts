/**
 * Three real nodes under a client's calls: one is killed, one is frozen, all are restarted one after the
 * other. No call fails, and what was acknowledged is there.
 */
import t from 'tap'
import { Client, type ClientError } from '../src/index.ts'
import { ServerCluster } from './support/server.ts'

const WORKERS = 8
const KEYS = 64
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Calls without end, by several at once; what they came to. */
class Load {
  readonly #client: Client
  readonly #work: Promise<void>[]
  readonly #written = new Map<string, string>()
  #isOver = false
  readonly failures: string[] = []
  latenciesMs: number[] = []
  increments = 0

  constructor(client: Client) {
    this.#client = client
    this.#work = Array.from({ length: WORKERS }, (_, worker) => this.#run(worker))
  }

  async #run(worker: number): Promise<void> {
    const client = this.#client
    for (let i = 0; !this.#isOver; i++) {
      const key = `key ${worker} ${i % KEYS}`
      const value = `${i}`
      await this.#time(`set ${key}`, async () => {
        await client.set(key, value)
        this.#written.set(key, value)
      })
      await this.#time(`get ${key}`, async () => {
        const found = await client.text().get(key)
        if (found !== this.#written.get(key)) throw new Error(`${found}, not ${this.#written.get(key)}`)
      })
      if (i % 8 > 0) continue
      await this.#time('increment', async () => {
        await client.increment(`counter ${worker}`)
        this.increments++
      })
    }
  }

  async #time(what: string, run: () => Promise<void>): Promise<void> {
    const started = performance.now()
    try {
      await run()
    } catch (error) {
      const { code, message } = error as ClientError
      this.failures.push(`${what}: ${code} ${message}`)
    }
    this.latenciesMs.push(performance.now() - started)
  }

  /** Of the calls since the last time, how many there were and what most of them stayed below. */
  figures(): string {
    const sorted = this.latenciesMs.sort((a, b) => a - b)
    this.latenciesMs = []
    const quantile = (share: number) => sorted[Math.floor(sorted.length * share)]?.toFixed(1)
    return `${sorted.length} calls, p50 ${quantile(0.5)}, p99 ${quantile(0.99)}, max ${quantile(0.99999)} ms`
  }

  async end(): Promise<Map<string, string>> {
    this.#isOver = true
    await Promise.all(this.#work)
    return this.#written
  }
}

t.test('one killed, one frozen, one restarted: no call fails', async (t) => {
  const cluster = await ServerCluster.start(t)
  const client = Client.open({ url: cluster.url, timeoutMs: 30_000 })
  t.teardown(() => client.close())
  const load = new Load(client)
  await pause(1_500)
  t.comment(`calm: ${load.figures()}`)

  await cluster.kill(0, 'SIGKILL')
  await pause(1_000)
  t.comment(`killed: ${load.figures()}`)
  t.same(load.failures, [], 'one was killed')
  await cluster.start(0)
  await cluster.together()

  const [, frozen] = cluster.servers
  load.figures()
  frozen!.child.kill('SIGSTOP')
  await pause(1_500)
  t.comment(`frozen: ${load.figures()}`)
  frozen!.child.kill('SIGCONT')
  await pause(500)
  t.same(load.failures, [], 'one was frozen')

  await cluster.kill(2, 'SIGTERM')
  await cluster.start(2)
  await cluster.together()
  t.comment(`restarted: ${load.figures()}`)
  const written = await load.end()
  t.same(load.failures, [], 'one was restarted')
  let sum = 0n
  for (let worker = 0; worker < WORKERS; worker++) {
    sum += BigInt((await client.text().get(`counter ${worker}`)) ?? '0')
  }
  t.equal(sum, BigInt(load.increments), 'each increment once')
  for (const [key, value] of written) {
    if ((await client.text().get(key)) !== value) t.fail(`${key} is not ${value}`)
  }
})
