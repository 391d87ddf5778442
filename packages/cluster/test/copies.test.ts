/** A member with an empty disk copies what another one holds: all of it, in as few messages as may be. */
import { HybridLogicalClock, Version } from '@minivault/clock'
import t from 'tap'
import {
  DURABILITY,
  Electorate,
  type Env,
  type Key,
  MEMBERSHIP,
  MESSAGE,
  type Message,
  NodeCore,
} from '../src/index.ts'
import { fixedPlacement, MemoryLog } from '../src/testing/index.ts'
import { ScriptedNetwork } from './support/network.ts'

const HOLDER = 1
const JOINER = 2
const PLACEMENT = fixedPlacement(new Electorate([HOLDER, JOINER]))
const START_MS = 1000
const TICK_MS = 250
const TICKS = 80
const VALUE_BYTES = 10
const KEYS = 600

class Copying {
  readonly network = new ScriptedNetwork(START_MS, ({ to, message, from }) => {
    this.#cores.get(to)!.onMessage(from, message)
    this.#sync()
  })
  readonly sent: Message[] = []
  readonly logs = new Map<number, MemoryLog>()
  readonly #cores = new Map<number, NodeCore>()

  constructor(copiedMax: number, copiedBytesMax: number) {
    const limits = { copiedMax, copiedBytesMax, entriesMax: 16 }
    for (const self of [HOLDER, JOINER]) {
      const store = new MemoryLog()
      this.logs.set(self, store)
      if (self === HOLDER) for (const key of KEYS_HELD) hold(store, key)
      const clock = new HybridLogicalClock({ writerId: self, now: () => this.network.nowMs })
      const began = self === JOINER ? MEMBERSHIP.joining : MEMBERSHIP.voting
      const parts = { env: this.#env(self), store, clock, placement: PLACEMENT, self, limits, began }
      this.#cores.set(self, new NodeCore(parts))
    }
  }

  run(): void {
    for (let tick = 0; tick < TICKS; tick++) {
      for (const core of this.#cores.values()) core.onTick()
      this.#sync()
      this.network.pass(TICK_MS)
    }
  }

  count(kind: number): number {
    return this.sent.filter((message) => message.kind === kind).length
  }

  get votes(): boolean {
    return this.#cores.get(JOINER)!.votesIn(0)
  }

  #sync(): void {
    for (const [self, log] of this.logs) {
      while (log.durableUpTo(DURABILITY.fsync) < log.end) {
        log.sync()
        this.#cores.get(self)?.onDurable()
      }
    }
  }

  #env(self: number): Env {
    return {
      now: () => this.network.nowMs,
      wallMs: () => this.network.nowMs,
      random: () => 0.5,
      send: (to, message) => {
        this.sent.push(message)
        this.network.send({ from: self, to, message })
      },
      setTimer: (afterMs, exchange, stage) => {
        this.network.setTimer(afterMs, () => {
          this.#cores.get(self)!.onTimer(exchange, stage)
          this.#sync()
        })
      },
      answer: () => {},
    }
  }
}

/** Some leaves have many, some have one, some have none. */
const KEYS_HELD: readonly Key[] = Array.from({ length: KEYS }, (_, index) => {
  const leaf = index < KEYS / 2 ? index % 150 : (index % 3) * 85
  return { id: `key ${index}`, high: index + 1, low: leaf, partition: 0, leaf }
})

function hold(store: MemoryLog, key: Key): void {
  const ballot = new Version().set(500, key.high, HOLDER)
  const value = { bytes: VALUE_BYTES }
  const record = { ballot, version: ballot, request: ballot, value, expiresAtMs: 0, sum: null }
  store.hold(key, record, DURABILITY.fsync)
}

t.test('everything comes, unasked where nothing was held', async (t) => {
  const copying = new Copying(64, 100 * VALUE_BYTES)
  copying.run()
  const joiner = copying.logs.get(JOINER)!
  const missing = KEYS_HELD.filter((key) => joiner.read(key).record === null)
  t.same(missing, [])
  t.ok(copying.votes)
  t.ok(copying.count(MESSAGE.copied) > KEYS / 2 / 64, 'in more than one message')
  t.equal(copying.count(MESSAGE.entries), 0)
  // Of the leaves that are too large for one message.
  t.ok(copying.count(MESSAGE.fetched) > 0)
})

t.test('from one that tells of its records alone', async (t) => {
  const copying = new Copying(0, 0)
  copying.run()
  const joiner = copying.logs.get(JOINER)!
  t.same(
    KEYS_HELD.filter((key) => joiner.read(key).record === null),
    [],
  )
  t.equal(copying.count(MESSAGE.copied), 0)
})
