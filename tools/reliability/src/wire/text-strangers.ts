/** Strangers over HTTP and RESP: keys that are nearly right, and everything there is to ask without one. */
import http from 'node:http'
import { seededRandom } from '@minivault/wal/testing'
import type { AuthMode } from './opcode-table.ts'
import { HTTP_CASES, type Need, RESP_CASES } from './text-commands.ts'
import { httpRequest, respCommand } from './text-requests.ts'
import { WireClient } from './wire-client.ts'
import { wrongKeys } from './wrong-keys.ts'

/** Shown at once on one connection: less than HTTP takes. */
const BATCH = 100
const GUARDED = 'guarded'
const UNAUTHORIZED = 401
const [TAB, SPACE, DELETE] = [0x09, 0x20, 0x7f]
const NO_AUTH = /^NOAUTH /

export class TextStrangers {
  readonly failures: string[] = []
  n = 0
  readonly #port: number
  readonly #key: Buffer

  constructor(port: number, key: Buffer) {
    this.#port = port
    this.#key = key
  }

  async httpKeys(count: number, seed: number): Promise<void> {
    const keys = wrongKeys(this.#key, seededRandom(seed))
    // What a header cannot carry, and what is the key but for the blanks that no header has at its ends.
    const isSayable = (key: Buffer) =>
      key.every((byte) => byte === TAB || (byte >= SPACE && byte !== DELETE)) &&
      !trimmed(key).equals(this.#key)
    const client = await WireClient.connect({ port: this.#port, form: 'http' })
    for (let done = 0; done < count; done += BATCH) {
      const shown: Buffer[] = []
      while (shown.length < Math.min(BATCH, count - done)) {
        const key = keys.next().value as Buffer
        if (isSayable(key)) shown.push(key)
      }
      const replies = Promise.all(shown.map(() => client.next()))
      client.socket.write(Buffer.concat(shown.map(asBearer)))
      for (const [index, { error }] of (await replies).entries()) {
        this.n++
        if (error !== UNAUTHORIZED)
          this.failures.push(`http: ${shown[index]!.toString('hex')} was answered ${error}`)
      }
    }
    const { error } = await client.ask(asBearer(this.#key))
    if (error !== 404) this.failures.push(`http: the right key was answered ${error}`)
    client.close()
  }

  /** As the password of AUTH, of AUTH with a name, and of HELLO. */
  async respKeys(count: number, seed: number): Promise<void> {
    const client = await WireClient.connect({ port: this.#port, form: 'resp', isSilent: true })
    const keys = wrongKeys(this.#key, seededRandom(seed))
    for (let done = 0; done < count; done += BATCH) {
      const shown = Array.from({ length: Math.min(BATCH, count - done) }, () => keys.next().value as Buffer)
      const replies = Promise.all(shown.map(() => client.next()))
      client.socket.write(Buffer.concat(shown.map(asPassword)))
      for (const [index, { ok }] of (await replies).entries()) {
        this.n++
        if (ok) this.failures.push(`resp: let in with ${shown[index]!.toString('hex') || 'nothing'}`)
      }
      const { ok } = await client.ask(respCommand('GET', GUARDED))
      if (ok) this.failures.push('resp: reads without the key')
    }
    const right = await client.ask(asPassword(this.#key, 0))
    if (!right.ok) this.failures.push('resp: the right key was refused')
    client.close()
  }

  async httpTable(mode: AuthMode): Promise<void> {
    for (const { method, path, needs, body } of HTTP_CASES) {
      this.n++
      const status = await statusOf(this.#port, method, path, body)
      const isRefused = status === UNAUTHORIZED
      if (isRefused === isOpen(needs, mode))
        this.failures.push(`-authmode ${mode}, http, ${method} ${path}: answered ${status}`)
    }
  }

  /** Each on a connection of its own; and the node serves none that is not in the table. */
  async respTable(mode: AuthMode): Promise<void> {
    for (const [line, needs] of RESP_CASES) {
      this.n++
      const client = await WireClient.connect({ port: this.#port, form: 'resp', isSilent: true })
      const where = `-authmode ${mode}, resp, ${line}`
      try {
        const { ok, value } = await client.ask(respCommand(...line.split(' ')))
        const isRefused = !ok && NO_AUTH.test(value.toString())
        if (isRefused === isOpen(needs, mode)) this.failures.push(`${where}: answered ${value}`)
      } catch (error) {
        this.failures.push(`${where}: ${(error as Error).message}`)
      }
      client.close()
    }
    if (mode === 'none') await this.#isComplete()
  }

  async #isComplete(): Promise<void> {
    const client = await WireClient.connect({ port: this.#port, form: 'resp' })
    const { value } = await client.ask(respCommand('COMMAND'))
    client.close()
    const known = new Set(RESP_CASES.map(([line]) => line.split(' ')[0]!.toLowerCase()))
    // A description begins with the name; nothing else in it is followed by an integer.
    const names = [...value.toString().matchAll(/\$\d+\r\n([a-z]+)\r\n:/g)].map((match) => match[1]!)
    if (names.length < 20) this.failures.push(`resp: COMMAND tells only ${names.length} names`)
    for (const name of names) if (!known.has(name)) this.failures.push(`resp: ${name} is not in the table`)
  }
}

function isOpen(needs: Need, mode: AuthMode): boolean {
  return needs === 'nothing' || mode === 'none' || (mode === 'writes' && needs === 'reading')
}

function trimmed(key: Buffer): Buffer {
  return Buffer.from(key.toString('latin1').replaceAll(/^[ \t]+|[ \t]+$/g, ''), 'latin1')
}

function asBearer(key: Buffer): Buffer {
  const headers = [`Authorization: Bearer ${key.toString('latin1')}`]
  return httpRequest({ method: 'GET', path: `/${GUARDED}`, headers })
}

function asPassword(key: Buffer, index: number): Buffer {
  if (index % 3 === 0) return respCommand('AUTH', key)
  if (index % 3 === 1) return respCommand('AUTH', 'default', key)
  return respCommand('HELLO', '3', 'AUTH', 'default', key)
}

function statusOf(port: number, method: string, path: string, body?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', method, path, agent: false }
    const request = http.request(options, (response) => {
      response.resume()
      resolve(response.statusCode!)
    })
    request.on('error', reject)
    request.end(body)
  })
}
