/**
 * kill -9 in the middle of eight pipelined writers, again and again on one folder. An acknowledged write must
 * be there afterwards, and nothing may be there that was never sent. The same harness at `memory`, which
 * promises nothing, must find losses: that is its control. `CRASH_CYCLES=150` runs the long form.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { BinaryClient, get, remove, set } from './support/binary-client.ts'
import { startServer, temporaryFolder } from './support/server.ts'

const CYCLES = Number(process.env['CRASH_CYCLES'] ?? 6)
const WRITERS = 8
const KEYS = 40
const PIPELINE = 16

/** What one key may hold: the last acknowledged write, or any sent after it. */
class KeyHistory {
  acknowledged = 0
  sent = 0
}

class Writer {
  readonly histories: KeyHistory[] = Array.from({ length: KEYS }, () => new KeyHistory())
  readonly #number: number
  #operation = 0
  acknowledged = 0

  constructor(number: number) {
    this.#number = number
  }

  key(index: number): string {
    return `writer ${this.#number} key ${index}`
  }

  value(index: number, operation: number): string {
    return `${this.key(index)} operation ${operation} ${'x'.repeat((operation * 37) % 600)}`
  }

  /** Every seventh operation deletes. Runs until the server is gone. */
  async write(port: number): Promise<void> {
    const client = new BinaryClient(port)
    try {
      for (;;) {
        const batch: [KeyHistory, number][] = []
        const requests: Buffer[] = []
        for (let count = 0; count < PIPELINE; count++) {
          const operation = ++this.#operation
          const index = operation % KEYS
          const history = this.histories[index]!
          history.sent = operation
          batch.push([history, operation])
          requests.push(
            operation % 7 === 0
              ? remove(this.key(index))
              : set(this.key(index), this.value(index, operation)),
          )
        }
        client.socket.write(Buffer.concat(requests))
        for (const [history, operation] of batch) {
          const [reply] = await client.expect(1)
          if (reply!.status !== 0) throw new Error(`operation ${operation} was refused`)
          history.acknowledged = operation
          this.acknowledged++
        }
      }
    } catch {
      client.close()
    }
  }

  /**
   * Reads every key back; returns how many acknowledged writes are lost, and complains about invented values.
   */
  async check(t: Test, port: number): Promise<number> {
    const client = new BinaryClient(port)
    const replies = await client.send(...this.histories.map((_, index) => get(this.key(index))))
    client.close()
    let lost = 0
    for (const [index, reply] of replies.entries()) {
      const history = this.histories[index]!
      const found = this.#operationOf(t, index, reply.status === 0 ? reply.data.toString() : null, history)
      if (found < history.acknowledged) lost++
      history.acknowledged = history.sent = found
    }
    return lost
  }

  /**
   * The operation whose effect is seen; an absent key may be any delete in question, or nothing written yet.
   */
  #operationOf(t: Test, index: number, value: string | null, history: KeyHistory): number {
    if (value === null) {
      for (let operation = history.sent; operation >= history.acknowledged; operation--) {
        if (operation === 0 || (operation % KEYS === index && operation % 7 === 0)) return operation
      }
      return 0
    }
    const operation = Number(/ operation (\d+) /.exec(value)?.[1] ?? -1)
    if (value !== this.value(index, operation) || operation > history.sent) t.fail(`invented: ${value}`)
    return operation
  }
}

/** Runs `cycles` kills, or until a loss was seen where `untilLost`. Returns the keys that lost a write. */
async function crash(t: Test, durability: string, cycles: number, untilLost = false): Promise<number> {
  const folder = temporaryFolder(t)
  const writers = Array.from({ length: WRITERS }, (_, number) => new Writer(number))
  let lost = 0
  for (let cycle = 0; cycle <= cycles; cycle++) {
    const server = await startServer(t, ['-data', folder, '-durability', durability])
    for (const writer of writers) lost += await writer.check(t, server.port)
    if (cycle < cycles && !(untilLost && lost > 0)) {
      const writing = writers.map((writer) => writer.write(server.port))
      await sleep(60 + Math.random() * 240)
      server.child.kill('SIGKILL')
      await Promise.all(writing)
    } else {
      server.child.kill('SIGTERM')
      cycle = cycles
    }
    await server.ended
  }
  const acknowledged = writers.reduce((sum, writer) => sum + writer.acknowledged, 0)
  t.ok(acknowledged > 100, `${acknowledged} writes were acknowledged`)
  return lost
}

for (const durability of ['os', 'fsync']) {
  t.test(`${durability}: no acknowledged write is lost`, { timeout: CYCLES * 8000 + 60_000 }, async (t) => {
    t.equal(await crash(t, durability, CYCLES), 0)
  })
}

t.test('control: the same at memory loses what was not yet written', { timeout: 120_000 }, async (t) => {
  const lost = await crash(t, 'memory', 25, true)
  t.ok(lost > 0, `${lost} keys were behind their last acknowledgement`)
})
