/**
 * The same random commands to a real redis-server and to minivault: every reply must be the same, to the
 * byte. Moments are far away or past; what is left of a TTL may differ by what the two servers are apart.
 */
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { skipWithout } from './support/programs.ts'
import {
  clusterSequence,
  commandSequence,
  dataCommand,
  KEYS_LOOKED_AT,
  type RandomCommand,
} from './support/redis-commands.ts'
import { redisVersion, startRedis } from './support/redis-server.ts'
import { RedisWire, type Shown } from './support/redis-wire.ts'
import { startServer } from './support/server.ts'
import { startTrio } from './support/trio-nodes.ts'

const version = redisVersion()
/** Other versions answer some commands otherwise. */
const isOther = version !== undefined && !version.startsWith('7.')
const SKIP = isOther ? `redis-server here is ${version}, not 7` : skipWithout('redis-server')
const BUDGET_MS = Number(process.env['MINIVAULT_REDIS_MODEL_MS'] ?? 3000)
/** What the servers may be apart in time. */
const APART_MS = 5000
const TIMES = /^p?(ttl|expiretime)$/

interface Pair {
  real: RedisWire
  ours: RedisWire
}

/** Two connections to each. */
async function open(t: Test): Promise<[Pair, Pair]> {
  const [port, { port: ourPort }] = await Promise.all([
    startRedis(t),
    startServer(t, ['-durability', 'memory']),
  ])
  const pair = async () => {
    const [real, ours] = [await RedisWire.connect(port), await RedisWire.connect(ourPort)]
    t.teardown(() => {
      real.close()
      ours.close()
    })
    return { real, ours }
  }
  return [await pair(), await pair()]
}

/** The names of the commands whose replies stand in EXEC's. */
function namesWithin(commands: readonly RandomCommand[], execAt: number): string[] {
  let names: string[] | null = null
  for (const name of commands.slice(0, execAt).map(nameOf)) {
    if (name === 'exec' || name === 'discard') names = null
    else if (name !== 'multi' && name !== 'watch') names?.push(name)
    else if (name === 'multi') names ??= []
  }
  return names ?? []
}

function nameOf([name]: RandomCommand): string {
  return String(name).toLowerCase()
}

function isAlike(name: string, real: Shown, ours: Shown, within: readonly string[] = []): boolean {
  if (Array.isArray(real) && Array.isArray(ours)) {
    if (name === 'keys') return JSON.stringify([...real].sort()) === JSON.stringify([...ours].sort())
    if (real.length !== ours.length) return false
    return real.every((one, at) => isAlike(within[at] ?? '', one, ours[at]!))
  }
  if (real === ours) return true
  if (!TIMES.test(name) || typeof real !== 'string' || typeof ours !== 'string') return false
  const [a, b] = [Number(real.slice(1)), Number(ours.slice(1))]
  return a > 0 && b > 0 && Math.abs(a - b) <= (name.startsWith('p') ? APART_MS : APART_MS / 1000)
}

function mustBeAlike(
  commands: readonly RandomCommand[],
  real: readonly Shown[],
  ours: readonly Shown[],
): void {
  for (const [at, command] of commands.entries()) {
    const name = nameOf(command)
    const within = name === 'exec' ? namesWithin(commands, at) : []
    if (isAlike(name, real[at]!, ours[at]!, within)) continue
    const shown = [JSON.stringify(real[at]), JSON.stringify(ours[at])].map((reply) => reply.slice(0, 300))
    throw new Error(`reply ${at}, to ${JSON.stringify(command)}: Redis ${shown[0]}, minivault ${shown[1]}`)
  }
}

/** What is there in the end, too. */
const LOOKS: readonly RandomCommand[] = [
  ['keys', '*'],
  ...KEYS_LOOKED_AT.flatMap((key) => [
    ['get', key],
    ['pttl', key],
  ]),
  // Now that Redis has seen which have ended.
  ['dbsize'],
]

t.test('sequences in one write, transactions among them', { skip: SKIP, timeout: 60_000 }, async (t) => {
  const [{ real, ours }] = await open(t)
  let commands = 0
  await fc.assert(
    fc.asyncProperty(commandSequence, async (sequence) => {
      const all = [['flushall'], ...sequence, ['discard'], ...LOOKS] as RandomCommand[]
      const [expected, found] = await Promise.all([real.askAll(all), ours.askAll(all)])
      commands += all.length
      mustBeAlike(all, expected, found)
    }),
    { numRuns: 20_000, interruptAfterTimeLimit: BUDGET_MS, markInterruptAsFailure: false },
  )
  t.ok(commands > 1000, `${commands} replies of redis-server ${version} and of minivault`)
})

t.test('WATCH, with another client in between', { skip: SKIP, timeout: 60_000 }, async (t) => {
  const [first, second] = await open(t)
  const scene = fc.record({
    before: fc.array(dataCommand, { maxLength: 6 }),
    // A key that is made and has ended between two looks is seen by Redis alone.
    between: fc.array(
      dataCommand.filter(
        (words) => nameOf(words) !== 'set' || !words.some((word) => /^(ex|px)at$/i.test(String(word))),
      ),
      { maxLength: 1 },
    ),
    inside: fc.array(dataCommand, { minLength: 1, maxLength: 4 }),
  })
  let scenes = 0
  let nothing = 0
  await fc.assert(
    fc.asyncProperty(scene, async ({ before, between, inside }) => {
      scenes += 1
      const watched: RandomCommand[] = [['flushall'], ...before, ['watch', 'a', 'key:1']]
      const all = [['multi'], ...inside, ['exec'], ...LOOKS] as RandomCommand[]
      const play = async (server: keyof Pair) => [
        ...(await first[server].askAll(watched)),
        ...(await second[server].askAll(between)),
        ...(await first[server].askAll(all)),
      ]
      const [expected, found] = await Promise.all([play('real'), play('ours')])
      if (expected.includes('*nil')) nothing += 1
      mustBeAlike([...watched, ...between, ...all], expected, found)
    }),
    { numRuns: 20_000, interruptAfterTimeLimit: BUDGET_MS / 2, markInterruptAsFailure: false },
  )
  t.ok(scenes > 50 && nothing > 0, `${scenes} scenes, in ${nothing} the transaction was given up`)
})

/** DBSIZE counts what the store of one node holds; the members of a trio hold what they hold in maps. */
const LOOKS_OF_CLUSTER = LOOKS.filter(([name]) => name !== 'dbsize')

t.test('a node of three, but for what is of several keys', { skip: SKIP, timeout: 60_000 }, async (t) => {
  const [port, { nodes }] = await Promise.all([startRedis(t), startTrio(t)])
  const [real, ours] = [await RedisWire.connect(port), await RedisWire.connect(nodes[2]!.port)]
  t.teardown(() => {
    real.close()
    ours.close()
  })
  let commands = 0
  await fc.assert(
    fc.asyncProperty(clusterSequence, async (sequence) => {
      const all = [['flushall'], ...sequence, ['discard'], ...LOOKS_OF_CLUSTER] as RandomCommand[]
      const [expected, found] = await Promise.all([real.askAll(all), ours.askAll(all)])
      commands += all.length
      mustBeAlike(all, expected, found)
    }),
    { numRuns: 20_000, interruptAfterTimeLimit: BUDGET_MS, markInterruptAsFailure: false },
  )
  t.ok(commands > 500, `${commands} replies of redis-server ${version} and of minivault`)
})
