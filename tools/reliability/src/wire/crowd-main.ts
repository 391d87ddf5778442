/**
 * The other process: holds as many connections as it is told to, or measures what a few active ones get. It
 * takes a command a line, as JSON, and answers each with a line.
 */
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CrowdCommand, Latency } from './crowd.ts'
import { getRequest, setRequest } from './requests.ts'
import { WireClient } from './wire-client.ts'

/** One source address has about 28,000 ports. */
const CONNECTIONS_PER_ADDRESS = 5000
/** Connections that are being made at once: less than the server's backlog. */
const CONNECTING_MAX = 500
const VALUE = Buffer.alloc(64, 'v')

const held: WireClient[] = []
const active = new Map<string, WireClient[]>()

async function open({ port, form, count, isSilent }: Extract<CrowdCommand, { do: 'open' }>) {
  const one = async (index: number) => {
    const localAddress = `127.0.0.${2 + Math.floor(index / CONNECTIONS_PER_ADDRESS)}`
    const client = await WireClient.connect({ port, form, localAddress, isSilent })
    held.push(client)
  }
  for (let done = 0; done < count; done += CONNECTING_MAX) {
    const batch = Array.from({ length: Math.min(CONNECTING_MAX, count - done) }, (_, i) => one(done + i))
    await Promise.all(batch)
  }
  return { open: openCount() }
}

function openCount(): number {
  return held.filter(({ isClosed }) => !isClosed).length
}

async function close() {
  for (const client of held.splice(0)) client.close()
  return { open: 0 }
}

/** Every held connection sends these bytes. */
function say({ hex }: Extract<CrowdCommand, { do: 'say' }>) {
  const bytes = Buffer.from(hex, 'hex')
  for (const { socket, isClosed } of held) if (!isClosed) socket.write(bytes)
  return { open: openCount() }
}

/** One byte each, again and again. */
function drip({ hex, everyMs }: Extract<CrowdCommand, { do: 'drip' }>) {
  const bytes = Buffer.from(hex, 'hex')
  let at = 0
  setInterval(() => {
    for (const { socket, isClosed } of held) if (!isClosed) socket.write(bytes.subarray(at, at + 1))
    at = Math.min(at + 1, bytes.length - 1)
  }, everyMs)
  return { open: openCount() }
}

/** Reads nothing any more. */
function deaf() {
  for (const { socket } of held) socket.pause()
  return { open: openCount() }
}

async function connectActive(name: string, { port, form, count }: Extract<CrowdCommand, { do: 'measure' }>) {
  const clients: WireClient[] = []
  for (let i = 0; i < count; i++) clients.push(await WireClient.connect({ port, form }))
  active.set(name, clients)
  return clients
}

/** Each connection asks, waits for its answer, asks again: nine reads, then a write. */
async function measure(command: Extract<CrowdCommand, { do: 'measure' }>): Promise<Latency> {
  const { port, form, ms } = command
  const name = `${form} ${port}`
  const clients = active.get(name) ?? (await connectActive(name, command))
  const until = performance.now() + ms
  const taken: number[] = []
  let failed = 0
  await Promise.all(
    clients.map(async (client, index) => {
      const key = Buffer.from(`active ${index}`)
      const requests = [setRequest(form, key, VALUE), getRequest(form, key)]
      for (let turn = 0; performance.now() < until; turn++) {
        const began = performance.now()
        const { ok } = await client.ask(requests[turn % 10 === 0 ? 0 : 1]!)
        taken.push(performance.now() - began)
        if (!ok) failed++
        if (command.pauseMs > 0) await sleep(command.pauseMs)
      }
    }),
  )
  taken.sort((a, b) => a - b)
  const at = (share: number) => taken[Math.min(taken.length - 1, Math.floor(taken.length * share))] ?? 0
  return { count: taken.length, failed, p50: at(0.5), p99: at(0.99), max: at(1) }
}

async function follow(command: CrowdCommand): Promise<unknown> {
  switch (command.do) {
    case 'open':
      return open(command)
    case 'say':
      return say(command)
    case 'drip':
      return drip(command)
    case 'deaf':
      return deaf()
    case 'close':
      return close()
    case 'count':
      return { open: openCount() }
    case 'measure':
      return measure(command)
  }
}

async function main(): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const answer = await follow(JSON.parse(line)).catch((error: Error) => ({ error: error.message }))
    process.stdout.write(`${JSON.stringify(answer)}\n`)
  }
  process.exit(0)
}

// No await of a module's own: the one file of all of it has none.
void main()
