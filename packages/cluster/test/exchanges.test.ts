/** Who is heard, and how often. */
import t from 'tap'
import { Electorate } from '../src/electorate.ts'
import type { Exchange } from '../src/exchange.ts'
import { Exchanges } from '../src/exchanges.ts'
import type { Env } from '../src/ports.ts'

const ELECTORATE = new Electorate([5, 7, 9])
const ASKER = { onReply: () => {}, onTimer: () => {} }

function envOf(random: number): Env & { timers: [number, number, number][] } {
  const timers: [number, number, number][] = []
  return {
    timers,
    now: () => 100,
    wallMs: () => 100,
    random: () => random,
    send: () => {},
    setTimer: (afterMs, exchange, stage) => timers.push([afterMs, exchange, stage]),
    answer: () => {},
  }
}

t.test('each member once, and nobody else', async (t) => {
  const exchange = new Exchanges(envOf(0)).open(ELECTORATE, ASKER, 1)
  t.equal(exchange.hear(7), 1)
  t.equal(exchange.hear(7), -1, 'a second time')
  t.equal(exchange.hear(6), -1, 'no member of it')
  t.equal(exchange.hear(5), 0)
})

t.test('answers of two lives do not go together', async (t) => {
  const isNew = [{ member: 9, life: 77 }]
  const open = () => new Exchanges(envOf(0)).open(ELECTORATE, ASKER, 1)

  const old = open()
  t.equal(old.hear(5, isNew), 0)
  t.equal(old.hear(9, []), -1, 'of the life that is over')
  t.equal(old.hear(7, isNew), -1, 'nobody is heard any more')

  const early = open()
  t.equal(early.hear(9, []), 2)
  t.equal(early.hear(5, isNew), -1, 'it knows that the one before is over')

  const both = open()
  t.equal(both.hear(9, isNew), 2)
  t.equal(both.hear(5, isNew), 0)

  const others = open()
  t.equal(others.hear(5, isNew), 0)
  t.equal(others.hear(7, []), 1, 'of one that was not heard')
})

t.test('no number is used twice, nor by the life after a restart', async (t) => {
  const exchanges = new Exchanges(envOf(0.25))
  const first = exchanges.open(ELECTORATE, ASKER, 1)
  const second = exchanges.open(ELECTORATE, ASKER, 1)
  t.not(first.number, second.number)
  exchanges.close(first)
  t.equal(exchanges.find(first.number), undefined)
  t.equal(exchanges.find(second.number), second)
  t.equal(new Exchanges(envOf(0.75)).find(second.number), undefined)
  t.not(new Exchanges(envOf(0.75)).open(ELECTORATE, ASKER, 1).number, first.number)
})

t.test('those that stay open for long are found among many that come and go', async (t) => {
  const exchanges = new Exchanges(envOf(0.9))
  const stayed: Exchange[] = []
  const numbers = new Set<number>()
  for (let i = 0; i < 10_000; i++) {
    const one = exchanges.open(ELECTORATE, ASKER, 1)
    numbers.add(one.number)
    if (i % 101 === 0) stayed.push(one)
    else exchanges.close(one)
  }
  t.equal(numbers.size, 10_000, 'each has a number of its own')
  for (const one of stayed) t.equal(exchanges.find(one.number), one)
})

t.test('more than there were ever places for', async (t) => {
  const exchanges = new Exchanges(envOf(0.5))
  const open = Array.from({ length: 5000 }, () => exchanges.open(ELECTORATE, ASKER, 1))
  for (const one of open) if (one.number % 2 === 0) exchanges.close(one)
  const right = open.filter((one) => exchanges.find(one.number) === (one.number % 2 === 0 ? undefined : one))
  t.equal(right.length, open.length)
})

t.test('a timer of what is closed goes off for nobody', async (t) => {
  const env = envOf(0)
  const exchanges = new Exchanges(env)
  const stages: number[] = []
  const exchange = exchanges.open(ELECTORATE, { ...ASKER, onTimer: (stage) => stages.push(stage) }, 1)
  exchanges.wait(10, exchange, 1)
  exchanges.wait(20, exchange, 2)
  t.same(env.timers, [
    [10, exchange.number, 1],
    [20, exchange.number, 2],
  ])
  exchanges.onTimer(exchange.number, 1)
  exchanges.close(exchange)
  exchanges.onTimer(exchange.number, 2)
  t.same(stages, [1])
})
