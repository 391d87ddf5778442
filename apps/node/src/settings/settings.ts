/** From a command line and an environment to the checked settings of a node; else a `UsageError`. */
import { readAuthKey, readTexts, type TlsFiles, UsageError } from '@minivault/command-line'
import { DURABILITY, type Durability } from '@minivault/storage'
import type { AuthMode } from '../admission/admission.ts'
import { type ClusterSettings, readCluster } from './cluster-settings.ts'
import { CLUSTER_NODES, FLAGS, type FlagName } from './flags.ts'

export type ProtocolName = 'binary' | 'http' | 'resp'

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
  const texts = readTexts({ program: 'minivault-node', flags: FLAGS, words, environment })
  const { text } = texts
  const authKey = readAuthKey(texts)
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
    cluster: readCluster(environment[CLUSTER_NODES] ?? '', text),
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
