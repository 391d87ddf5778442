/** One request with JSON, by HTTP, to a worker or to the master: told what came of it, or why nothing did. */
import type { IncomingMessage, RequestOptions } from 'node:http'

/** What is shown, and whom is trusted, where the other side speaks TLS. */
export interface CallSecurity {
  readonly cert?: Buffer
  readonly key?: Buffer
  readonly ca?: Buffer | undefined
  /** False: anybody. Only where nothing is told that must not be known. */
  readonly rejectUnauthorized?: boolean
}

export interface JsonCall {
  /** `http(s)://host:port` */
  readonly url: string
  readonly path: string
  /** Undefined: a GET. */
  readonly body?: unknown
  readonly authKey: string | null
  readonly security: CallSecurity | null
  readonly timeoutMs: number
  /** Of the reply. */
  readonly bytesMax: number
}

export interface JsonReply {
  readonly status: number
  /** Undefined: what came was no JSON. */
  readonly value: unknown
}

/** Rejects where no reply came, in words: `ECONNREFUSED`, `silent for 3 s`. */
export async function callJson(call: JsonCall): Promise<JsonReply> {
  const { url, path, body, authKey, security, timeoutMs } = call
  const isSecure = url.startsWith('https:')
  // Only here: a start must not wait for them.
  const { request } = isSecure ? await import('node:https') : await import('node:http')
  const text = body === undefined ? null : JSON.stringify(body)
  const options: RequestOptions = {
    method: text === null ? 'GET' : 'POST',
    agent: false,
    signal: AbortSignal.timeout(timeoutMs),
    headers: {
      ...(authKey === null ? null : { Authorization: `Bearer ${authKey}` }),
      ...(text === null
        ? null
        : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }),
    },
    ...(isSecure && security !== null ? shownAndTrusted(security) : null),
  }
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(new Error(wordsOf(error, timeoutMs)))
    const asked = request(`${url}${path}`, options, (response) => {
      collect(response, call.bytesMax).then(resolve, fail)
    })
    asked.once('error', fail)
    asked.end(text ?? undefined)
  })
}

/** No more than these of what may be there, too. */
function shownAndTrusted({ cert, key, ca, rejectUnauthorized }: CallSecurity): CallSecurity {
  return {
    ...(cert && { cert }),
    ...(key && { key }),
    ...(ca && { ca }),
    ...(rejectUnauthorized === undefined ? null : { rejectUnauthorized }),
  }
}

async function collect(response: IncomingMessage, bytesMax: number): Promise<JsonReply> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of response) {
    length += (piece as Buffer).length
    if (length > bytesMax) throw new Error('answers with something else')
    pieces.push(piece as Buffer)
  }
  return { status: response.statusCode ?? 0, value: jsonOf(Buffer.concat(pieces).toString()) }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Codes of Node for a certificate that it does not accept, */
const UNTRUSTED = /CERT|UNABLE_TO_|ISSUER/
/** and what OpenSSL says of bytes that are no TLS. */
const NO_TLS = /wrong version number|packet length too long/

function wordsOf(error: Error, timeoutMs: number): string {
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return `silent for ${timeoutMs / 1000} s`
  const { code, message } = error as NodeJS.ErrnoException
  if (code === undefined) return message
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'its certificate is for another host'
  if (UNTRUSTED.test(code)) return `its certificate is not trusted: ${message}; -tls-ca names the authority`
  if (NO_TLS.test(message)) return 'it does not speak TLS: http:// instead of https://'
  return code
}

/** The line in which the other side says what is wrong. */
export function errorIn({ status, value }: JsonReply): string {
  const said = (value as { error?: unknown } | null | undefined)?.error
  return typeof said === 'string' ? said.split('\n', 1)[0]! : `HTTP ${status}`
}
