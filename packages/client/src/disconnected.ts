/*
 * Why there is no connection, or none any more. What goes wrong with TLS has codes of its own: it will not
 * change by trying again.
 */

import type { Address } from './address.ts'
import { ClientError } from './client-error.ts'

/** Codes of Node and OpenSSL: for a certificate that was not accepted, by us or (ALERT) by the server. */
const CERTIFICATE =
  /CERT|SELF_SIGNED|UNABLE_TO_|ISSUER|HOSTNAME_MISMATCH|INVALID_CA|_CRL|UNKNOWN_CA|PATH_LENGTH/
/** What OpenSSL says of bytes that are no TLS. */
const NO_TLS = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|RECORD_LAYER_FAILURE|HTTP_REQUEST/
/** The same, and where the two sides agree on nothing: no request had left. */
const NOT_BEGUN = new RegExp(`${NO_TLS.source}|PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|HANDSHAKE_FAILURE`)

export function isOfTls(cause: unknown): boolean {
  const code = codeOf(cause)
  return CERTIFICATE.test(code) || /^ERR_(SSL|TLS)_/.test(code)
}

export function disconnected(address: Address, cause: unknown, inDoubt = false): ClientError {
  const where = `${address.host}:${address.port}`
  const why = cause instanceof Error ? `: ${cause.message}` : ''
  const code = codeOf(cause)
  if (CERTIFICATE.test(code)) {
    const whose = code.includes('ALERT')
      ? `${where} refused our certificate`
      : `the certificate of ${where} was refused`
    return new ClientError('CLIENT_CERTIFICATE', `${whose}${why}`, { cause })
  }
  if (isOfTls(cause)) {
    const plain = address.scheme === 'https' ? 'http' : 'minivault'
    const said = NO_TLS.test(code)
      ? `${where} does not speak TLS: use ${plain}://, or the right port`
      : `no TLS with ${where}${why}`
    return new ClientError('CLIENT_TLS', said, { cause, inDoubt: inDoubt && !NOT_BEGUN.test(code) })
  }
  const said = `the connection to ${where} failed${why}`
  return new ClientError('CLIENT_DISCONNECTED', said, { cause, retryable: true, inDoubt })
}

function codeOf(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  return typeof code === 'string' ? code : ''
}
