/**
 * From a command line and an environment to checked settings. The command line wins over the environment, the
 * environment over the default. Everything that is wrong is a `UsageError` of one line that names the flag or
 * variable and the way out. The parser of yargs splits the words, without the rest of yargs, which a start
 * would wait for and which nobody sees; `-port` is rewritten to `--port` before, since it would read five
 * letters.
 */
import { readFileSync } from 'node:fs'
import { DURABILITY, type Durability } from '@minivault/storage'
import { Parser } from 'yargs/helpers'
import type { AuthMode } from '../admission/admission.ts'
import { AUTH_KEY_BYTES_MAX } from '../limits.ts'
import { type ClusterSettings, readCluster } from './cluster-settings.ts'
import { CLUSTER_NODES, environmentName, FLAG_NAMES, FLAGS, type Flag, type FlagName } from './flags.ts'
import { UsageError } from './usage-error.ts'

export type ProtocolName = 'binary' | 'http' | 'resp'

/** Files, in PEM form. */
export interface TlsFiles {
  certFile: string
  keyFile: string
  /** Clients must show a certificate that it signed; null: none is asked for. */
  caFile: string | null
}

export interface Settings {
  port: number
  httpPort: number
  respPort: number
  host: string
  directory: string
  durability: Durability
  authKey: string | null
  authMode: AuthMode
  ratePerSecond: number
  cacheBytes: number
  protocols: ReadonlySet<ProtocolName>
  connectionsMax: number
  publicUrl: string | null
  /** A clock further ahead of this node's is not followed. */
  maxOffsetMs: number
  /** Null: a node by itself. */
  cluster: ClusterSettings | null
  tls: TlsFiles | null
  /** Origins whose pages may call; null: none but the node's own. */
  corsOrigins: ReadonlySet<string> | null
}

type Environment = Record<string, string | undefined>

/** @param words the command line without program and script */
export function readSettings(words: readonly string[], environment: Environment): Settings {
  const given = parseWords(words)
  const texts = new Map<FlagName, string>()
  for (const flag of FLAG_NAMES) {
    const variable = environmentName(flag)
    const text = given.get(flag) ?? environment[variable]
    if (text === undefined || (text === '' && !given.has(flag))) continue
    check(flag, text, given.has(flag) ? `-${flag}` : variable)
    texts.set(flag, text)
  }
  // A key on the command line wins over one in the environment, in whichever form each was given.
  if (given.has('auth') !== given.has('auth-file')) texts.delete(given.has('auth') ? 'auth-file' : 'auth')
  const text = (flag: FlagName) => texts.get(flag) ?? `${(FLAGS[flag] as Flag).fallback ?? ''}`
  return resolve(text, environment[CLUSTER_NODES] ?? '')
}

function resolve(text: Texts, clusterNodes: string): Settings {
  const authKey = readAuthKey(text('auth'), text('auth-file'))
  const authMode = text('authmode') as AuthMode
  if (authMode !== 'none' && authKey === null) {
    throw new UsageError(`-authmode ${authMode} needs a key: add -auth KEY or -auth-file FILE`)
  }
  return {
    ...readPorts(text),
    host: text('host'),
    directory: text('data'),
    durability: DURABILITY[text('durability') as keyof typeof DURABILITY],
    authKey,
    authMode,
    ratePerSecond: Number(text('ratelimit')),
    cacheBytes: Number(text('cache')) * 1024 * 1024,
    protocols: new Set(text('protocols').split(',') as ProtocolName[]),
    connectionsMax: Number(text('maxconns')),
    publicUrl: text('public-url') || null,
    maxOffsetMs: Number(text('max-offset')),
    cluster: readCluster(clusterNodes, text),
    tls: readTlsFiles(text('tls-cert'), text('tls-key'), text('tls-ca')),
    corsOrigins: readOrigins(text('cors')),
  }
}

export type Texts = (flag: FlagName) => string

function readPorts(text: Texts): Pick<Settings, 'port' | 'httpPort' | 'respPort'> {
  const port = Number(text('port'))
  const httpPort = Number(text('http'))
  const respPort = Number(text('resp'))
  if (port !== 0 && port === httpPort) {
    throw new UsageError(
      `-http ${httpPort} is -port already, which serves HTTP too: leave -http out or choose another`,
    )
  }
  if (respPort !== 0 && (respPort === port || respPort === httpPort)) {
    const taken = respPort === port ? '-port' : '-http'
    throw new UsageError(`-resp ${respPort} is ${taken} already: leave -resp out or choose another`)
  }
  return { port, httpPort, respPort }
}

function readTlsFiles(certFile: string, keyFile: string, caFile: string): TlsFiles | null {
  if (certFile === '' && keyFile === '' && caFile === '') return null
  if (certFile === '') throw new UsageError('-tls-key and -tls-ca need the certificate: add -tls-cert FILE')
  if (keyFile === '') throw new UsageError('-tls-cert needs its private key: add -tls-key FILE')
  return { certFile, keyFile, caFile: caFile === '' ? null : caFile }
}

/** An origin is scheme, host and port, as browsers send it. */
function readOrigins(list: string): ReadonlySet<string> | null {
  if (list === '') return null
  const origins = list.split(',')
  for (const origin of origins) {
    if (origin === '*' || (URL.canParse(origin) && new URL(origin).origin === origin)) continue
    throw new UsageError(`-cors takes origins such as https://app.example.com, or *, not "${origin}"`)
  }
  return new Set(origins)
}

/** Flags as given, each once, each with its value. */
function parseWords(words: readonly string[]): Map<FlagName, string> {
  const given = new Map<FlagName, string>()
  const spelled = words.map(withTwoDashes)
  checkNames(spelled)
  const parsed = Parser(spelled, {
    string: [...FLAG_NAMES],
    array: [...FLAG_NAMES],
    configuration: { 'camel-case-expansion': false, 'boolean-negation': false, 'dot-notation': false },
  }) as Record<string, unknown>
  const stray = (parsed['_'] as unknown[])[0]
  if (stray !== undefined) throw new UsageError(`${stray} is not a flag: see minivault-node --help`)
  for (const [name, value] of Object.entries(parsed)) {
    if (name === '_') continue
    const values = value as string[] | undefined
    if (values === undefined) continue
    if (values.length === 0) throw new UsageError(`-${name} needs a value: ${FLAGS[name as FlagName].help}`)
    if (values.length > 1)
      throw new UsageError(`-${name} is given one value, not ${values.length} (${values.join(' ')})`)
    given.set(name as FlagName, values[0]!)
  }
  return given
}

/**
 * `-port` and `-port=1` → `--port …`, for names of the table and unknown ones alike: nothing here has one
 * letter.
 */
function withTwoDashes(word: string): string {
  return /^-[a-z][a-z-]+(=|$)/i.test(word) ? `-${word}` : word
}

/** Before yargs sees them: it stumbles over names such as `constructor`, and forgets a second `-data`. */
function checkNames(words: readonly string[]): void {
  const seen = new Set<string>()
  for (const word of words) {
    const name = /^--([^=]+)/.exec(word)?.[1]
    if (name === undefined) continue
    if (!Object.hasOwn(FLAGS, name)) {
      throw new UsageError(`-${name} is not a flag${nearest(name)}: see minivault-node --help`)
    }
    if (seen.has(name)) throw new UsageError(`-${name} is given twice: leave one out`)
    seen.add(name)
  }
}

function nearest(name: string): string {
  const close = FLAG_NAMES.find(
    (flag) => flag.startsWith(name) || name.startsWith(flag) || sameLetters(flag, name),
  )
  return close ? ` (did you mean -${close}?)` : ''
}

function sameLetters(a: string, b: string): boolean {
  const sorted = (text: string) => [...text.replaceAll('-', '')].sort().join('')
  return sorted(a) === sorted(b)
}

function notYet(what: string): UsageError {
  return new UsageError(`${what}: not in this version`)
}

function check(name: FlagName, text: string, shown: string): void {
  const flag: Flag = FLAGS[name]
  if (flag.later === '*') throw notYet(shown)
  if (flag.later?.includes(text)) throw notYet(`${shown} ${text}`)
  if (text === '' && name !== 'auth') throw new UsageError(`${shown} needs a value: ${flag.help}`)
  if (flag.kind === 'integer') {
    const number = Number(text)
    if (!/^\d+$/.test(text) || number < flag.min! || number > flag.max!) {
      throw new UsageError(`${shown} takes a whole number from ${flag.min} to ${flag.max}, not "${text}"`)
    }
  }
  if (flag.kind === 'choice' && !flag.choices!.includes(text)) {
    throw new UsageError(`${shown} takes ${flag.choices!.join(', ')}, not "${text}"`)
  }
  if (flag.kind === 'list' && text.split(',').some((part) => !flag.choices!.includes(part))) {
    throw new UsageError(
      `${shown} takes a comma-separated list of ${flag.choices!.join(', ')}, not "${text}"`,
    )
  }
}

function readAuthKey(key: string, file: string): string | null {
  if (key !== '' && file !== '') throw new UsageError('-auth and -auth-file both give a key: choose one')
  let text = key
  if (file !== '') {
    try {
      text = readFileSync(file, 'utf8').split(/\r?\n/, 1)[0]!
    } catch (error) {
      throw new UsageError(`-auth-file ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`)
    }
    if (text === '') throw new UsageError(`-auth-file ${file}: its first line is empty, it must be the key`)
  }
  if (Buffer.byteLength(text) > AUTH_KEY_BYTES_MAX) {
    throw new UsageError(`the authentication key has at most ${AUTH_KEY_BYTES_MAX} bytes`)
  }
  return text === '' ? null : text
}

/** A whole file; throws what the system says. */
export function readBytes(file: string): Buffer {
  return readFileSync(file)
}
