/*
 * From what an application says about TLS to what Node is told. It is tried out once when the client is
 * opened, so that a damaged certificate is a mistake then and not a connection that never comes.
 */

import { isIP } from 'node:net'
import { createSecureContext } from 'node:tls'
import { type Address, isSecure } from './address.ts'
import { badArgument } from './arguments.ts'
import { ClientError } from './client-error.ts'
import type { TlsOptions } from './options.ts'

type Pem = string | Buffer

/** What Node is told about TLS. */
export interface Secure {
  ca?: Pem | Pem[]
  cert?: Pem
  key?: Pem
  minVersion: 'TLSv1.2'
  rejectUnauthorized: boolean
  servername?: string
}

/** null: without TLS. Throws CLIENT_BAD_ARGUMENT. */
export function secureOf(tls: TlsOptions | undefined, address: Address): Secure | null {
  if (!isSecure(address)) {
    if (tls === undefined) return null
    throw badArgument('tls goes with minivaults:// and https://')
  }
  const { ca, cert, key, servername, rejectUnauthorized = true } = tls ?? {}
  if ((cert === undefined) !== (key === undefined)) throw badArgument('tls.cert and tls.key go together')
  let pem: Pick<Secure, 'ca' | 'cert' | 'key'>
  try {
    pem = {
      ...(ca === undefined ? {} : { ca: copyOf(ca) }),
      ...(cert === undefined ? {} : { cert: copyOf(cert) }),
      ...(key === undefined ? {} : { key: copyOf(key) }),
    }
    createSecureContext(pem)
  } catch (cause) {
    const said = `tls cannot be used: ${(cause as Error).message}`
    throw new ClientError('CLIENT_BAD_ARGUMENT', said, { cause })
  }
  const name = servername ?? (isIP(address.host) === 0 ? address.host : undefined)
  return {
    ...pem,
    minVersion: 'TLSv1.2',
    rejectUnauthorized,
    ...(name === undefined ? {} : { servername: name }),
  }
}

function copyOf(pem: string | Uint8Array): Pem
function copyOf(pem: string | Uint8Array | readonly (string | Uint8Array)[]): Pem | Pem[]
function copyOf(pem: string | Uint8Array | readonly (string | Uint8Array)[]): Pem | Pem[] {
  if (typeof pem === 'string') return pem
  return pem instanceof Uint8Array ? Buffer.from(pem) : pem.map((one) => copyOf(one))
}
