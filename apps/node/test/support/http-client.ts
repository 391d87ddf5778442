/** Asks over HTTP so that nothing is normalised or added: targets, headers and bytes go out as they are. */
import http from 'node:http'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'

export interface HttpAnswer {
  status: number
  body: string
  bytes: Buffer
  headers: http.IncomingHttpHeaders
}

export const SUCCESS = '{"success":true}'

/** The target goes out as it is: `fetch` would normalise it. */
export function ask(
  server: { port: number },
  method: string,
  target: string,
  body?: string | Buffer,
  headers: http.OutgoingHttpHeaders = {},
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        host: '127.0.0.1',
        port: server.port,
        method,
        path: target,
        headers,
        agent: false,
        insecureHTTPParser: true,
      },
      (response) => {
        const pieces: Buffer[] = []
        response.on('data', (piece) => pieces.push(piece))
        response.on('error', reject)
        response.on('end', () => {
          const bytes = Buffer.concat(pieces)
          resolve({ status: response.statusCode!, body: bytes.toString(), bytes, headers: response.headers })
        })
      },
    )
    request.on('error', reject)
    request.end(body)
  })
}

/** Announces a body and sends none of it. */
export function announce(
  server: { port: number },
  target: string,
  headers: http.OutgoingHttpHeaders,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      { host: '127.0.0.1', port: server.port, method: 'PUT', path: target, headers, agent: false },
      (response) => {
        let body = ''
        response.on('data', (piece) => (body += piece))
        response.on('end', () => {
          const bytes = Buffer.from(body)
          resolve({ status: response.statusCode!, body, bytes, headers: response.headers })
          request.destroy()
        })
      },
    )
    request.on('error', reject)
    request.flushHeaders()
  })
}

/** The answer is this refusal, in the form that all have. */
export function refusal(t: Test, answer: HttpAnswer, status: number, code: string, about = ''): void {
  t.equal(answer.status, status, about || `${status}`)
  const body = JSON.parse(answer.body)
  t.match(body, { success: false, code }, `${status} ${code}`)
  t.type(body.error, 'string')
}

/** A connection that speaks text as it stands here, and shows what came back as it stood there. */
export class RawHttp {
  readonly socket: net.Socket
  text = ''
  isClosed = false

  constructor(port: number) {
    this.socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    this.socket.on('error', () => {})
    this.socket.on('data', (bytes) => (this.text += bytes.toString('latin1')))
    this.socket.on('close', () => (this.isClosed = true))
  }

  send(text: string | Buffer): void {
    this.socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text)
  }

  /** Status codes of the replies so far. */
  get statuses(): number[] {
    return [...this.text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((found) => Number(found[1]))
  }

  /** Waits for so many replies, those of 1xx not counted. */
  async replies(count: number): Promise<number[]> {
    await until(() => this.statuses.filter((status) => status >= 200).length >= count || this.isClosed)
    return this.statuses
  }

  /** Waits for the end of the connection. */
  async ended(): Promise<string> {
    await until(() => this.isClosed || this.socket.readableEnded)
    return this.text
  }

  close(): void {
    this.socket.destroy()
  }
}

export async function until(condition: () => boolean, patienceMs = 15_000): Promise<void> {
  for (let waited = 0; !condition(); waited += 5) {
    if (waited > patienceMs) throw new Error(`waited ${patienceMs} ms in vain`)
    await sleep(5)
  }
}
