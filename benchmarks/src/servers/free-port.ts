/** A port that nobody listened on a moment ago, for servers that have to be told one. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { HOST } from './server.ts'

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1)
  return port!
}

/** All different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, HOST))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  for (const server of servers) server.close()
  await Promise.all(servers.map((server) => once(server, 'close')))
  return ports
}
