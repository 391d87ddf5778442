/**
 * `-health`, for supervisors that run a command in the master's surroundings, as containers do: asks the
 * master that the same flags and variables describe whether it is ready.
 */
import { readCertificates } from '@minivault/command-line'
import { callJson, errorIn } from './json-call.ts'
import { REACH_TIMEOUT_MS, REPLY_BYTES_MAX } from './limits.ts'
import type { Settings } from './settings/settings.ts'

const OK = 200

/** Null: it is ready; else one line that says why not. */
export async function whyNotHealthy({ host, port, tls }: Settings): Promise<string | null> {
  if (port === 0) return '-health needs the port of the master: add -port'
  const address = ownAddress(host)
  try {
    const reply = await callJson({
      url: `${tls === null ? 'http' : 'https'}://${address}:${port}`,
      path: '/-/readyz',
      authKey: null,
      // Under an address that its certificate need not name.
      security: tls === null ? null : { ...readCertificates(tls), rejectUnauthorized: false },
      timeoutMs: REACH_TIMEOUT_MS,
      bytesMax: REPLY_BYTES_MAX,
    })
    return reply.status === OK ? null : errorIn(reply)
  } catch (error) {
    return `no answer from ${address}:${port} (${(error as Error).message})`
  }
}

/** Of a master that listens everywhere, the machine's own. */
function ownAddress(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}
