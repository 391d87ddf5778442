/**
 * Ports for servers that are told one before they listen. Below those that the system gives to connections
 * (Linux: 32768 and up): one of these is soon somebody's again, between its release and the server's start.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'

const HOST = '127.0.0.1'
const FIRST = 16_384
const LAST = 32_767
const COUNT = LAST - FIRST + 1

/** Tests run side by side, each in a process of its own: each begins elsewhere. */
let next = Math.floor(Math.random() * COUNT)

/** A port of this machine at which nobody listens just now; no process is given one twice. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < COUNT; tried++) {
    const port = FIRST + (next++ % COUNT)
    if (await isFree(port)) return port
  }
  throw new Error(`no port from ${FIRST} to ${LAST} is free`)
}

/** All different. */
export function freePorts(count: number): Promise<number[]> {
  return Promise.all(Array.from({ length: count }, freePort))
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, HOST)
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
