/**
 * The cases of HTTP. Those that differ in their requests alone share a minivault-node, which is started
 * afresh, filled, asked once by hand (what wrk does not check: the reply holds what it should), and warmed.
 * Each case has a bare `node:http` server of its own, whose replies have the same status and as long a body.
 */
import { BenchmarkError } from '../benchmark-error.ts'
import { WrkRequests } from '../load/wrk.ts'
import { DATA_PARENT } from '../machine.ts'
import { measureRounds, type Runner } from '../rounds/rounds.ts'
import type { Run } from '../run.ts'
import { minivaultPlan, type NodeDurability } from '../servers/minivault-server.ts'
import { floorPlan, nodePlan } from '../servers/node-plan.ts'
import { CORES } from '../servers/pinning.ts'
import { HOST, Server } from '../servers/server.ts'
import type { ServerPlan } from '../servers/started-process.ts'
import type { HttpCase, HttpCaseResult, HttpContestant } from './figures.ts'
import type { HttpOptions } from './http-options.ts'
import { bodyOf, checkReply, headersOf, KINDS, pathOf, type RequestKind, requestText } from './requests.ts'

/** All values of the keyspace together: wrk holds every request in its memory. */
const KEYSPACE_BYTES = 32 * 2 ** 20
const ASKED_AT_ONCE = 32
const WARM_SECONDS = 1

export async function measureGroup(
  cases: readonly HttpCase[],
  options: HttpOptions,
  pin: boolean,
  run: Run<HttpCaseResult>,
  onResult: (result: HttpCaseResult) => void,
  planOf: (durability: NodeDurability) => ServerPlan = minivaultPlan,
): Promise<void> {
  const { valueBytes, durability } = cases[0]!
  const keyspace = Math.min(options.keyspace, Math.floor(KEYSPACE_BYTES / valueBytes))
  const core = pin ? CORES.server : null
  await using minivault = await Server.start(planOf(durability), DATA_PARENT, core)
  await overKeys(keyspace, (index) => ask(minivault, 'put', index, valueBytes, null))
  for (const one of cases) {
    await run.attempt(`${KINDS[one.kind].title}, ${valueBytes} bytes at ${durability}`, async () =>
      onResult(await measureCase(one, minivault, keyspace, options, pin)),
    )
  }
}

async function measureCase(
  one: HttpCase,
  minivault: Server,
  keyspace: number,
  options: HttpOptions,
  pin: boolean,
): Promise<HttpCaseResult> {
  const { kind, valueBytes, connections } = one
  const etags = kind === 'unchanged' ? await etagsOf(minivault, keyspace, valueBytes) : null
  const reply = await ask(minivault, kind, 0, valueBytes, etags?.[0] ?? null)
  checkReply(kind, valueBytes, reply.status, reply.body)
  const textsFor = (port: number) =>
    Array.from({ length: keyspace }, (_, index) =>
      requestText(kind, port, index, valueBytes, etags?.[index] ?? null),
    )
  const core = pin ? CORES.server : null
  await using bare = await Server.start(barePlan(kind, reply), DATA_PARENT, core)
  const floorTexts = textsFor(bare.port)
  await using floor = one.hasFloor
    ? await Server.start(floorPlanOf(floorTexts, reply), DATA_PARENT, core)
    : null
  using ourRequests = new WrkRequests(textsFor(minivault.port))
  // The floor counts bytes: it gets those of the bare server, however long its own port's number is.
  using bareRequests = new WrkRequests(floorTexts)
  const runner = (name: HttpContestant, server: Server): Runner<HttpContestant> => {
    const requests = name === 'minivault' ? ourRequests : bareRequests
    const load = { connections, status: KINDS[kind].status }
    const generatorCore = pin ? CORES.generator : null
    return { name, server, measure: (seconds) => requests.send(server, load, seconds, generatorCore) }
  }
  const runners = [runner('minivault', minivault), runner('bare', bare)]
  if (floor !== null) runners.push(runner('floor', floor))
  for (const { measure } of runners) await measure(WARM_SECONDS)
  const measured = await measureRounds(runners, options.rounds, options.seconds)
  return { part: 'case', ...one, keyspace, replyBodyBytes: reply.body.length, ...measured }
}

interface Reply {
  readonly status: number
  readonly contentType: string
  readonly etag: string | null
  readonly body: string
}

async function ask(
  server: Server,
  kind: RequestKind,
  index: number,
  valueBytes: number,
  etag: string | null,
): Promise<Reply> {
  const response = await fetch(`http://${HOST}:${server.port}${pathOf(kind, index)}`, {
    method: KINDS[kind].method,
    headers: headersOf(kind, etag),
    body: bodyOf(kind, index, valueBytes),
  }).catch((error: Error) => {
    const reason = (error.cause as Error | undefined)?.message ?? error.message
    throw new BenchmarkError('BENCH_SERVER', `${server.plan.name} does not answer HTTP: ${reason}`)
  })
  const body = Buffer.from(await response.arrayBuffer()).toString('latin1')
  const { status, headers } = response
  const contentType = headers.get('content-type') ?? 'text/plain'
  const reply = { status, contentType, etag: headers.get('etag'), body }
  if (kind === 'put') checkReply(kind, valueBytes, status, body)
  return reply
}

/** The entity tag of every key, in order. */
async function etagsOf(server: Server, keyspace: number, valueBytes: number): Promise<string[]> {
  const etags: string[] = []
  await overKeys(keyspace, async (index) => {
    const { etag } = await ask(server, 'get', index, valueBytes, null)
    if (etag === null) throw new BenchmarkError('BENCH_INVALID', 'GET was answered without an ETag')
    etags[index] = etag
  })
  return etags
}

/** Many at once, so that waiting for the disk is shared. */
async function overKeys(keyspace: number, visit: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const work = async () => {
    while (next < keyspace) await visit(next++)
  }
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, work))
}

function barePlan(kind: RequestKind, { status, contentType, body }: Reply): ServerPlan {
  const reads = KINDS[kind].method === 'PUT' ? 'body' : 'none'
  const words = [String(status), contentType, String(body.length), reads]
  return nodePlan('bare node:http', new URL('bare-main.ts', import.meta.url), () => words)
}

function floorPlanOf(texts: readonly string[], { status, contentType, body }: Reply): ServerPlan {
  const length = `Content-Length: ${body.length}\r\n`
  const head = `HTTP/1.1 ${status} OK\r\nContent-Type: ${contentType}\r\n${length}\r\n`
  const reply = Buffer.from(head + body, 'latin1')
  return floorPlan(texts[0]!.length, reply, reply.length)
}
