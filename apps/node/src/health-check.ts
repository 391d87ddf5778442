/**
 * `minivault-node -health`, for supervisors that run a command in the node's surroundings, as containers do:
 * asks the node that the same flags and variables describe whether it is ready, so that nobody needs curl.
 */
import type { RequestOptions } from 'node:https'
import { connect } from 'node:net'
import { readCertificates, UsageError } from '@minivault/command-line'
import { OWN } from './http/target.ts'
import type { Settings } from './settings/settings.ts'

const PATIENCE_MS = 5_000

/** Null: it is ready; else one line that says why not, or why nobody could tell. */
export async function whyNotHealthy(settings: Settings): Promise<string | null> {
  const servesHttp = settings.protocols.has('http') || settings.httpPort !== 0
  const port = settings.protocols.has('http') || !servesHttp ? settings.port : settings.httpPort
  if (port === 0) throw new UsageError('-health needs the port of the node: add -port')
  const host = ownAddress(settings.host)
  try {
    // Without HTTP there is no readiness to ask for; that the node listens must do.
    return servesHttp ? await askReadiness(host, port, settings.tls) : await listens(host, port)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return `no answer from ${host}:${port} (${code ?? message})`
  }
}

/** Of a node that listens everywhere, the machine's own. */
function ownAddress(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}

async function askReadiness(host: string, port: number, tls: Settings['tls']): Promise<string | null> {
  // Only here: a start must not wait for them.
  const { request } = await import(tls === null ? 'node:http' : 'node:https')
  const options: RequestOptions = { host, port, path: OWN.readyz, timeout: PATIENCE_MS, ...tlsOptions(tls) }
  return new Promise((resolve, reject) => {
    const asked = request(options, (answer: NodeJS.ReadableStream & { statusCode?: number }) => {
      let text = ''
      answer.on('data', (bytes) => {
        text += bytes
      })
      answer.on('end', () => resolve(answer.statusCode === 200 ? null : errorIn(text)))
      answer.on('error', reject)
    })
    asked.on('timeout', () => asked.destroy(new Error(`silent for ${PATIENCE_MS / 1000} s`)))
    asked.on('error', reject)
    asked.end()
  })
}

/** The address need not be one that its certificate names; as a client's it shows the same certificate. */
function tlsOptions(tls: Settings['tls']): RequestOptions {
  if (tls === null) return {}
  const { cert, key } = readCertificates(tls)
  return { rejectUnauthorized: false, cert, key }
}

function errorIn(text: string): string {
  try {
    return `not ready: ${JSON.parse(text).error}`
  } catch {
    return 'not ready, and no minivault node'
  }
}

function listens(host: string, port: number): Promise<null> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: PATIENCE_MS })
    socket.on('connect', () => {
      socket.destroy()
      resolve(null)
    })
    socket.on('timeout', () => socket.destroy(new Error(`silent for ${PATIENCE_MS / 1000} s`)))
    socket.on('error', reject)
  })
}
