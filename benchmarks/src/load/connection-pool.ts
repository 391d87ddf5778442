/**
 * Connections stay open between the runs of one case, so that opening and closing them is in no figure. One
 * pool serves one process.
 */
import { Connection } from './connection.ts'
import type { Language } from './language.ts'
import type { LoadConnection } from './load-connection.ts'

const READ_BYTES = 256 * 1024

export class ConnectionPool {
  readonly #open = new Map<string, LoadConnection[]>()
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES)

  async take(
    language: Language,
    host: string,
    ports: readonly number[],
    count: number,
  ): Promise<LoadConnection[]> {
    const connections = this.#open.get(nameOf(ports, language, count)) ?? []
    while (connections.length < count) {
      const port = ports[connections.length % ports.length]!
      const opened = language.open?.(host, port, this.#buffer)
      connections.push(await (opened ?? Connection.open(language, host, port, this.#buffer)))
    }
    return connections
  }

  /** After a run in which everything that was asked was answered. */
  giveBack(language: Language, ports: readonly number[], connections: LoadConnection[]): void {
    for (const connection of connections) connection.owner = null
    this.#open.set(nameOf(ports, language, connections.length), connections)
  }

  /** After any other run. */
  drop(language: Language, ports: readonly number[], connections: LoadConnection[]): void {
    for (const connection of connections) connection.close()
    this.#open.delete(nameOf(ports, language, connections.length))
  }

  close(): void {
    for (const connections of this.#open.values()) for (const connection of connections) connection.close()
    this.#open.clear()
  }
}

const languageIds = new Map<Language, number>()

function nameOf(ports: readonly number[], language: Language, count: number): string {
  if (!languageIds.has(language)) languageIds.set(language, languageIds.size)
  return `${ports} ${languageIds.get(language)} ${count}`
}
