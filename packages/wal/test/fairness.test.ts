/**
 * Unbroken load: a client that asks for the next sync, or rolls, as soon as the last is done. The background
 * worker then never goes idle, and whoever waits for one thing must not wait for that.
 */
import type { Log } from '@minivault/wal'
import t from 'tap'
import { append, Bench } from './harness.ts'

const ROUNDS = 300

/**
 * Appends and asks again at every progress, `ROUNDS` times at most. All of it is one unbroken chain of
 * microtasks.
 */
class Client {
  rounds = 0
  active = false
  refused = ''
  readonly #ask: (log: Log) => void
  readonly log: Log

  private constructor(log: Log, ask: (log: Log) => void) {
    this.log = log
    this.#ask = ask
  }

  static async open(bench: Bench, ask: (log: Log) => void): Promise<Client> {
    let client: Client | null = null
    const options = { segmentBytes: 1 << 16, windowBytes: 1 << 16, onProgress: () => client?.again() }
    client = new Client(await bench.open(options), ask)
    return client
  }

  again(): void {
    if (!this.active || this.rounds >= ROUNDS || this.refused) return
    try {
      append(this.log, this.rounds)
      this.#ask(this.log)
      this.rounds++
    } catch (error) {
      this.refused = (error as { code: string }).code
    }
  }
}

const loads: [name: string, ask: (log: Log) => void][] = [
  ['the next fsync is always pending', (log) => void log.sync().catch(() => {})],
  ['the next seal is always pending', (log) => log.roll()],
]

for (const [name, ask] of loads) {
  t.test(`${name}: who waits for something else is served within a round`, async (t) => {
    const bench = new Bench()
    const client = await Client.open(bench, ask)
    const { log } = client
    append(log, 900)
    log.roll()
    await bench.until(log.settled())
    const [source] = log.segments()
    const before = client.rounds
    client.active = true
    client.again()
    const output = log.createOutput()
    output.append(new Uint8Array(40), 0, 40)
    await new Promise<void>((resolve, reject) =>
      output.finish((error) => (error ? reject(error) : resolve())),
    )
    t.ok(client.rounds - before < 10, `finish: after ${client.rounds - before} rounds of the client`)
    const dropping = client.rounds
    log.drop(source!.id)
    await log.settled()
    t.ok(client.rounds - dropping < 10, `drop and settled: after ${client.rounds - dropping} rounds`)
    t.notOk(bench.disk.peek(source!.path), 'and the file is gone')
    const closing = client.rounds
    await log.close()
    t.ok(client.rounds - closing < 10, `close: after ${client.rounds - closing} rounds`)
    t.ok(client.rounds < ROUNDS, 'the load never paused')
    await bench.open({ segmentBytes: 1 << 16, windowBytes: 1 << 16 })
    t.equal(bench.seen.length, client.rounds + 1, 'and all of it is there')
  })
}
