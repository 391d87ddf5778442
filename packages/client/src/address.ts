/*
 * Where nodes are: `minivault(s)://:token@host:port` for the binary protocol, `http(s)://:token@host:port`
 * for HTTP, with `s` over TLS; further nodes behind commas, `host:port,host:port`. The token is the nodes'
 * `-auth` key, percent-encoded; a user name is not used.
 */

import { ClientError } from './client-error.ts'

export type Scheme = 'minivault' | 'minivaults' | 'http' | 'https'

export interface Address {
  scheme: Scheme
  host: string
  port: number
  /** '' when there is none */
  token: string
}

const PORT_DEFAULT = 3000
const PORTS: Readonly<Record<Scheme, number>> = {
  minivault: PORT_DEFAULT,
  minivaults: PORT_DEFAULT,
  http: 80,
  https: 443,
}

export function isSecure({ scheme }: Address): boolean {
  return scheme === 'minivaults' || scheme === 'https'
}

export function isWeb({ scheme }: Address): boolean {
  return scheme === 'http' || scheme === 'https'
}

function isScheme(text: string): text is Scheme {
  return Object.hasOwn(PORTS, text)
}

/** One for each host, none twice. Throws ClientError CLIENT_BAD_ARGUMENT. */
export function parseAddresses(text: string): Address[] {
  const hostsAt = Math.max(text.lastIndexOf('@') + 1, (/^[a-z]+:\/\//i.exec(text)?.[0] ?? '').length)
  const head = text.slice(0, hostsAt)
  const hosts = text.slice(hostsAt).split(',')
  if (hosts.length === 1) return [parseAddress(text)]
  const found = new Map<string, Address>()
  for (const host of hosts) {
    if (/:\/\//.test(host)) throw badAddress(text, 'the scheme stands once, before the first host')
    if (host.trim() === '') throw badAddress(text, 'it names no host')
    const address = parseAddress(head + host.trim())
    if (!found.has(placeOf(address))) found.set(placeOf(address), address)
  }
  return [...found.values()]
}

/** `host:port`, as the member of a cluster is named. */
export function placeOf({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Throws ClientError CLIENT_BAD_ARGUMENT. */
export function parseAddress(text: string): Address {
  const written = /^[a-z]+:\/\//i.test(text) ? text : `minivault://${text}`
  let url: URL
  try {
    url = new URL(written)
  } catch {
    // What Node says of it shows all of it, the token among it.
    throw badAddress(text, 'it is not a URL')
  }
  const scheme = url.protocol.slice(0, -1)
  if (!isScheme(scheme)) {
    throw badAddress(text, `${scheme}:// is not known; use minivault(s):// or http(s)://`)
  }
  if (url.hostname === '') throw badAddress(text, 'it names no host')
  if (url.pathname.length > 1 || url.search + url.hash !== '') {
    throw badAddress(text, 'it goes on after the port')
  }
  if (url.port === '0') throw badAddress(text, 'there is no port 0')
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
  const port = url.port === '' ? PORTS[scheme] : Number(url.port)
  try {
    return { scheme, host, port, token: decodeURIComponent(url.password) }
  } catch (cause) {
    throw badAddress(text, 'its token is not percent-encoded', cause)
  }
}

/** What stands before an `@` is not shown, however it is written. */
function badAddress(text: string, why: string, cause?: unknown): ClientError {
  const shown = text.replace(/^([a-z]+:\/\/)?.*@/is, '$1…@')
  return new ClientError('CLIENT_BAD_ARGUMENT', `bad address ${JSON.stringify(shown)}: ${why}`, { cause })
}
