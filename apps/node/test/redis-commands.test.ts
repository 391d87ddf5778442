/**
 * What the Redis commands do that no comparison shows: values that end while one looks, large values, cursors
 * that were forgotten, bounds; and the parts below them alone.
 */
import t, { type Test } from 'tap'
import { HeldBytes } from '../src/door/held-bytes.ts'
import { SCAN_POSITIONS_MAX } from '../src/limits.ts'
import { addDecimals, decimalIn } from '../src/resp/commands/decimals.ts'
import { isMatch, prefixOf } from '../src/resp/commands/globs.ts'
import { HeldValues } from '../src/resp/held-values.ts'
import { ScanPositions } from '../src/resp/scan-positions.ts'
import { RedisWire, type Shown } from './support/redis-wire.ts'
import { startServer, temporaryFolder } from './support/server.ts'

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

function hex(text: string | Uint8Array): string {
  return `$${Buffer.from(text as string).toString('hex')}`
}

async function connect(t: Test, words: string[] = []) {
  const server = await startServer(t, ['-durability', 'memory', ...words])
  const open = async () => {
    const wire = await RedisWire.connect(server.port)
    t.teardown(() => wire.close())
    return wire
  }
  return { server, open, wire: await open() }
}

t.test('values that end while one looks', async (t) => {
  const { wire } = await connect(t)
  await wire.askAll([
    ['set', 'k', 'v', 'px', '150'],
    ['incr', 'n'],
    ['pexpire', 'n', '150'],
    ['incr', 'n'],
    ['append', 'n', '0'],
    ['set', 'kept', '1', 'px', '150'],
    ['set', 'kept', '2', 'keepttl'],
    ['getex', 'stays', 'persist'],
    ['set', 'stays', '1', 'px', '150'],
    ['persist', 'stays'],
  ])
  t.same(await wire.ask('mget', 'k', 'n', 'kept', 'stays'), ['v', '20', '2', '1'].map(hex))
  await sleep(250)
  t.same(await wire.ask('mget', 'k', 'n', 'kept', 'stays'), ['$nil', '$nil', '$nil', hex('1')])
  t.equal(await wire.ask('exists', 'k', 'n', 'kept', 'stays'), ':1')
  t.same(await wire.ask('keys', '*'), [hex('stays')])
  t.equal(await wire.ask('ttl', 'k'), ':-2')
  t.equal(await wire.ask('set', 'k', 'v', 'nx'), '+OK')
})

t.test('large values', async (t) => {
  const { wire, server } = await connect(t)
  const large = Buffer.alloc(3_000_000, 'large value ')
  t.equal(await wire.ask('mset', 'a', large, 'b', 'small'), '+OK')
  t.equal(await wire.ask('append', 'a', 'tail'), ':3000004')
  t.equal(await wire.ask('strlen', 'a'), ':3000004')
  t.equal(await wire.ask('getrange', 'a', '-4', '-1'), hex('tail'))
  t.equal(await wire.ask('getrange', 'a', '12', '16'), hex('large'))
  const whole = hex(Buffer.concat([large, Buffer.from('tail')]))
  t.ok((await wire.ask('expire', 'a', '100')) === ':1' && (await wire.ask('get', 'a')) === whole)
  const replies = await wire.askAll([
    ['multi'],
    ['getdel', 'a'],
    ['set', 'c', large],
    ['strlen', 'c'],
    ['exec'],
  ])
  const [taken, ...rest] = replies.at(-1) as Shown[]
  t.ok(taken === whole)
  t.same(rest, ['+OK', ':3000000'])
  t.equal(await wire.ask('exists', 'a'), ':0')
  server.child.kill('SIGTERM')
  t.match(await server.ended, { code: 0 }, 'nothing is left under way')
})

t.test('an EXEC holds through a restart, all of it', async (t) => {
  const data = temporaryFolder(t)
  const first = await startServer(t, ['-data', data])
  const before = await RedisWire.connect(first.port)
  const done = await before.askAll([['multi'], ['set', 'a', '1'], ['set', 'b', '2'], ['incr', 'a'], ['exec']])
  t.same(done.at(-1), ['+OK', '+OK', ':2'])
  const cursor = (await before.ask('scan', '0', 'count', '1')) as Shown[]
  first.child.kill('SIGKILL')
  await first.ended
  const second = await startServer(t, ['-data', data])
  const after = await RedisWire.connect(second.port)
  t.teardown(() => after.close())
  t.same(await after.ask('mget', 'a', 'b'), [hex('2'), hex('2')])
  const place = Buffer.from(String(cursor[0]).slice(1), 'hex').toString()
  t.match(await after.ask('scan', place), /^-ERR this scan is no longer known here/)
})

t.test('scans', async (t) => {
  const { wire } = await connect(t)
  const keys = Array.from({ length: 500 }, (_, at) => `scan:${String(at).padStart(3, '0')}`)
  await wire.askAll([...keys, 'other'].map((key) => ['set', key, '1']))
  const seen: Shown[] = []
  let cursor = '0'
  do {
    const [next, page] = (await wire.ask('scan', cursor, 'match', 'scan:*', 'count', '7')) as [
      string,
      Shown[],
    ]
    cursor = Buffer.from(next.slice(1), 'hex').toString()
    seen.push(...page)
    await wire.ask('del', 'other')
  } while (cursor !== '0')
  t.same(seen, keys.map(hex))
  t.same(await wire.ask('scan', '0', 'type', 'hash'), [hex('0'), []])
  t.match(await wire.ask('scan', 'x'), /^-ERR invalid cursor/)
  t.match(await wire.ask('scan', '0', 'count', '0'), /^-ERR syntax error/)
  t.match(await wire.ask('scan', '12345'), /^-ERR this scan is no longer known here/)
  const refused = await wire.askAll([['multi'], ['keys', '*'], ['set', 'x', '1'], ['exec']])
  t.match(refused, ['+OK', /^-ERR 'keys' is not served inside MULTI/, '+QUEUED', /^-EXECABORT/])
  t.equal(await wire.ask('exists', 'x'), ':0')
  t.equal(await wire.ask('flushall'), '+OK')
  t.same(await wire.ask('scan', '0'), [hex('0'), []])
})

t.test('transactions of many on the same keys, some of them refused while they run', async (t) => {
  const { open, wire } = await connect(t)
  await wire.ask('mset', 'from', '300', 'to', '0')
  const wires = await Promise.all(Array.from({ length: 15 }, open))
  await Promise.all(
    wires.map(async (one) => {
      for (let round = 0; round < 20; round++) {
        const all = await one.askAll([
          ['multi'],
          ['decr', 'from'],
          ['incrby', 'to', 'nonsense'],
          ['incr', 'to'],
          ['mget', 'from', 'to'],
          ['exec'],
        ])
        const [, refused, , both] = all.at(-1) as Shown[]
        const [from, to] = (both as string[]).map((shown) => Number(Buffer.from(shown.slice(1), 'hex')))
        if (from! + to! !== 300 || !String(refused).startsWith('-ERR value is not')) throw new Error(`${all}`)
      }
    }),
  )
  t.same(await wire.ask('mget', 'from', 'to'), [hex('0'), hex('300')])
})

t.test('COMMAND', async (t) => {
  const { wire } = await connect(t)
  t.same(await wire.ask('command', 'getkeys', 'mset', 'a', '1', 'b', '2'), [hex('a'), hex('b')])
  t.same(await wire.ask('command', 'getkeys', 'get', 'a'), [hex('a')])
  t.match(await wire.ask('command', 'getkeys', 'ping'), /^-ERR/)
  const [facts, none] = (await wire.ask('command', 'info', 'mset', 'eval')) as Shown[]
  t.same((facts as Shown[]).slice(0, 6), [hex('mset'), ':-3', ['+write', '+denyoom'], ':1', ':-1', ':2'])
  t.equal(none, '$nil')
  const count = Number(String(await wire.ask('command', 'count')).slice(1))
  t.equal(((await wire.ask('command', 'list')) as Shown[]).length, count)
  t.equal(((await wire.ask('command')) as Shown[]).length, count)
})

t.test('patterns', async (t) => {
  const match = (pattern: string, text: string) => isMatch(Buffer.from(pattern), Buffer.from(text))
  for (const [pattern, text] of [
    ['*', ''],
    ['h?llo', 'hello'],
    ['h*o', 'ho'],
    ['*a*b*', 'xxaxxbxx'],
    ['[a-c]', 'b'],
    ['[c-a]', 'b'],
    ['[^a]', 'b'],
    ['\\*', '*'],
    ['[\\]]', ']'],
    ['a\\', 'a\\'],
  ] as const) {
    t.ok(match(pattern, text), `${pattern} is ${text}`)
  }
  for (const [pattern, text] of [
    ['', 'a'],
    ['h?llo', 'hllo'],
    ['[^a]', 'a'],
    ['\\*', 'x'],
    ['[a-', 'b'],
    ['a*', 'ba'],
  ] as const) {
    t.notOk(match(pattern, text), `${pattern} is not ${text}`)
  }
  t.equal(Buffer.from(prefixOf(Buffer.from('a\\*b[c]'))).toString(), 'a*b')
  const stars = Buffer.from('*a'.repeat(2000))
  t.notOk(isMatch(stars, Buffer.from('a'.repeat(1999))), 'in no more time than both lengths allow')
})

t.test('decimal numbers', async (t) => {
  const add = (a: string, b: string) => addDecimals(decimalIn(a)!, decimalIn(b)!, 17)
  t.equal(add('0.1', '0.2'), '0.3')
  t.equal(add('3.0e3', '200'), '3200')
  t.equal(add('-1.5', '1.5'), '0')
  t.equal(add('-.5', '-.25'), '-0.75')
  t.equal(add('1e-18', '0'), '0', 'rounded')
  for (const text of ['', '.', 'x', '1 ', '--1', 'nan', 'inf', '1e999', '0x10'])
    t.equal(decimalIn(text), null)
})

t.test('positions of scans are forgotten in order', async (t) => {
  const positions = new ScanPositions(1000)
  const first = positions.add(Buffer.from('first'))
  for (let at = 1; at < SCAN_POSITIONS_MAX; at++) positions.add(Buffer.from(String(at)))
  t.equal(Buffer.from(positions.keyOf(first)!).toString(), 'first')
  const last = positions.add(Buffer.from('last'))
  t.equal(positions.keyOf(first), undefined)
  for (let at = 0; at < 300; at++) positions.add(new Uint8Array(65_535))
  t.equal(positions.keyOf(last), undefined, 'of very long keys sooner')
})

t.test('what a command holds is counted, and given back', async (t) => {
  const held = new HeldBytes(100_000)
  const [one, other] = [new HeldValues(held), new HeldValues(held)]
  one.take(64 * 1024)
  t.equal(held.bytes, 0, 'small: not counted')
  one.take(90_000)
  t.throws(() => other.take(64 * 1024 + 20_000), { code: 'OVERLOADED' })
  one.release()
  t.equal(held.bytes, 0)
  other.take(64 * 1024 + 20_000)
  t.equal(held.bytes, 20_000)
})
