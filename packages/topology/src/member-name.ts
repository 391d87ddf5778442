/**
 * The name of a member: its public URL in the one spelling that all nodes use. Placement hashes it, so two
 * spellings of one address would be two members; a node with a new disk and the old URL keeps its place.
 *
 * Three forms, and they differ: `host:port` is spoken to in frames over TCP, `http://host:port` and
 * `https://host:port` in POST bodies.
 */
import { NAME_BYTES_MAX } from './limits.ts'
import { TopologyError } from './topology-error.ts'

const SCHEME = /^(https?):\/\//i
const ANY_SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i
const HOST_AND_PORT = /^(\[[0-9a-f:.]+\]|[^:[\]/?#@\\\s]+)(?::([0-9]{1,5}))?$/i
const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 }

/**
 * The normalised form: scheme and host in lower case, the port always written, no slash at the end.
 * Throws TopologyError TOPOLOGY_BAD_NAME for what is none of the three forms: another scheme, credentials, a
 * path, a query, no port after a bare host, more than NAME_BYTES_MAX bytes.
 */
export function normaliseMemberName(text: string): string {
  if (text.length > NAME_BYTES_MAX) throw refused(text, `is longer than ${NAME_BYTES_MAX} bytes`)
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined && ANY_SCHEME.test(text))
    throw refused(text, 'has a scheme other than http, https')
  const rest = scheme === undefined ? text : text.slice(scheme.length + 3)
  const match = HOST_AND_PORT.exec(rest.endsWith('/') ? rest.slice(0, -1) : rest)
  if (match === null) throw refused(text, whyNot(rest))
  const host = hostOf(text, match[1]!)
  const port = match[2] === undefined ? DEFAULT_PORTS[scheme ?? ''] : Number(match[2])
  if (port === undefined) throw refused(text, 'has no port')
  if (port < 1 || port > 65_535) throw refused(text, 'has a port that is not 1 to 65535')
  const name = `${scheme === undefined ? '' : `${scheme}://`}${host}:${port}`
  if (name.length > NAME_BYTES_MAX) throw refused(text, `is longer than ${NAME_BYTES_MAX} bytes`)
  return name
}

/** Hosts as the URL standard writes them: lower case, punycode, addresses in their shortest form. */
function hostOf(text: string, host: string): string {
  try {
    return new URL(`http://${host}/`).hostname
  } catch (cause) {
    throw refused(text, 'has a host that is none', cause)
  }
}

function whyNot(rest: string): string {
  if (rest.includes('@')) return 'has credentials'
  if (/[/?#]/.test(rest)) return 'has a path, a query or a fragment'
  if (rest === '' || rest.startsWith(':')) return 'has no host'
  return 'is not host:port'
}

function refused(text: string, why: string, cause?: unknown): TopologyError {
  const shown = JSON.stringify(text.slice(0, 80))
  const message = `the member name ${shown} ${why}; it is host:port, http://host or https://host`
  return new TopologyError('TOPOLOGY_BAD_NAME', message, cause)
}
