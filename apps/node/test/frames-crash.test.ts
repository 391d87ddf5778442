/**
 * kill -9 in the middle of batches and increments. Of a batch all is there afterwards, or nothing; what was
 * acknowledged is there; a counter has counted each acknowledged increment, and none that was not asked for.
 * A retry after the restart tells the truth, or that it does not know. `CRASH_CYCLES=100` runs the long form.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Version } from '@minivault/clock'
import { ERROR, OUTCOME } from '@minivault/protocol'
import t, { type Test } from 'tap'
import { FrameClient } from './support/frame-client.ts'
import { startServer, temporaryFolder } from './support/server.ts'

const CYCLES = Number(process.env['CRASH_CYCLES'] ?? 5)
const WRITERS = 4
const KEYS = 30

/** One connection that writes the same number into all its keys, and counts beside it. */
class Writer {
  readonly #number: number
  #requests = 0
  sent = 0
  acknowledged = 0
  increments = 0
  counted = 0n
  /** The batch that was on its way when the node died. */
  open: { round: number; requestId: Version } | null = null

  constructor(number: number) {
    this.#number = number
  }

  get prefix(): string {
    return `writer ${this.#number} `
  }

  #writes(round: number) {
    const even = Array.from({ length: KEYS }, (_, index) => ({
      key: `${this.prefix}key ${index}`,
      value: `${round} ${'x'.repeat((round * 131 + index * 17) % 900)}`,
    }))
    // What is made by one batch is deleted by the next.
    const odd = { key: `${this.prefix}odd`, value: round % 2 === 1 ? String(round) : null }
    return [...even, odd]
  }

  ask(client: FrameClient, round: number, requestId: Version, attempt = 0) {
    return client.batch(this.#writes(round), { requestId, attempt })
  }

  /** Until the node is gone. */
  async write(port: number): Promise<void> {
    const client = await FrameClient.open(port)
    try {
      for (;;) {
        const round = ++this.sent
        const requestId = Version.of(Date.now(), this.#requests++ & 0xffff, 100 + this.#number)
        this.open = { round, requestId }
        this.increments += 1
        const [answer, count] = await Promise.all([
          this.ask(client, round, requestId),
          client.increment(`${this.prefix}count`, 1n),
        ])
        if (answer.error !== 0 || count.error !== 0) throw new Error('refused')
        this.acknowledged = round
        this.counted = count.sum
        this.open = null
      }
    } catch {
      client.close()
    }
  }

  async check(t: Test, client: FrameClient): Promise<void> {
    let round = await this.#roundSeen(t, client)
    if (round < this.acknowledged || round > this.sent) {
      t.fail(`round ${round} is seen: ${this.acknowledged} was acknowledged, ${this.sent} sent`)
    }
    const count = BigInt((await client.text(`${this.prefix}count`)) ?? '0')
    if (count < this.counted || count > BigInt(this.increments)) {
      t.fail(`counted ${count}: ${this.counted} acknowledged, ${this.increments} asked for`)
    }
    if (this.open !== null) {
      const { error, outcome } = await this.ask(client, this.open.round, this.open.requestId, 1)
      // What is not there is carried out now, or, where that may have been undone, in doubt.
      if (error === 0) round = this.open.round
      else if (round === this.open.round) t.fail(`round ${round} is there, but its retry says ${error}`)
      else t.match({ error, outcome }, { error: ERROR.IN_DOUBT, outcome: OUTCOME.inDoubt })
      t.equal(await this.#roundSeen(t, client), round, 'it is as the retry says')
    }
    this.sent = this.acknowledged = round
    this.increments = Number(count)
    this.counted = count
    this.open = null
  }

  /** All keys must be of one batch. */
  async #roundSeen(t: Test, client: FrameClient): Promise<number> {
    const entries = await client.entries(`${this.prefix}key`)
    const rounds = new Set(entries.map(({ value }) => Number(value.split(' ')[0])))
    if (entries.length !== 0 && entries.length !== KEYS) t.fail(`${entries.length} of ${KEYS} keys`)
    if (rounds.size > 1) t.fail(`half a batch: ${[...rounds]}`)
    const round = [...rounds][0] ?? 0
    const odd = await client.text(`${this.prefix}odd`)
    if (odd !== (round % 2 === 1 ? String(round) : null)) t.fail(`beside round ${round}: ${odd}`)
    return round
  }
}

for (const durability of ['os', 'fsync']) {
  t.test(`${durability}: all of a batch or nothing`, { timeout: CYCLES * 8000 + 60_000 }, async (t) => {
    const folder = temporaryFolder(t)
    const writers = Array.from({ length: WRITERS }, (_, number) => new Writer(number))
    let batches = 0
    for (let cycle = 0; cycle <= CYCLES; cycle++) {
      const server = await startServer(t, ['-data', folder, '-durability', durability])
      const client = await FrameClient.open(server.port)
      for (const writer of writers) await writer.check(t, client)
      client.close()
      const before = writers.reduce((sum, { acknowledged }) => sum + acknowledged, 0)
      if (cycle < CYCLES) {
        const writing = writers.map((writer) => writer.write(server.port))
        await sleep(60 + Math.random() * 240)
        server.child.kill('SIGKILL')
        await Promise.all(writing)
      } else server.child.kill('SIGTERM')
      await server.ended
      batches += writers.reduce((sum, { acknowledged }) => sum + acknowledged, 0) - before
    }
    t.ok(batches > 20, `${batches} batches were acknowledged`)
  })
}
