/** From a command line and an environment to the checked settings of a master; else a `UsageError`. */
import { readFileSync } from 'node:fs'
import { readAuthKey, readTexts, UsageError } from '@minivault/command-line'
import type { CallSecurity } from '../json-call.ts'
import type { ClusterRules } from '../workers/enrolment.ts'
import { FLAGS } from './flags.ts'

export interface Settings {
  port: number
  host: string
  directory: string
  authKey: string | null
  rules: ClusterRules
  /** Null: plain HTTP. */
  tls: ServerSecurity | null
  /** What is shown to workers whose ports speak TLS, and whom is trusted. */
  security: CallSecurity | null
}

export interface ServerSecurity {
  readonly cert: Buffer
  readonly key: Buffer
}

type Environment = Readonly<Record<string, string | undefined>>

/** @param words the command line without program and script */
export function readSettings(program: string, words: readonly string[], environment: Environment): Settings {
  const texts = readTexts({ program, flags: FLAGS, words, environment })
  const { text } = texts
  return {
    port: Number(text('port')),
    host: text('host'),
    directory: text('data'),
    authKey: readAuthKey(texts),
    rules: {
      mode: text('geo') as ClusterRules['mode'],
      replicas: Number(text('replicas')),
      foundersMin: Number(text('founders')),
    },
    ...readSecurity(text('tls-cert'), text('tls-key'), text('tls-ca')),
  }
}

function readSecurity(cert: string, key: string, ca: string): Pick<Settings, 'tls' | 'security'> {
  if (cert === '' && key !== '') throw new UsageError('-tls-key needs the certificate: add -tls-cert FILE')
  if (key === '' && cert !== '') throw new UsageError('-tls-cert needs its private key: add -tls-key FILE')
  const tls = cert === '' ? null : { cert: read('-tls-cert', cert), key: read('-tls-key', key) }
  const trusted = ca === '' ? null : { ca: read('-tls-ca', ca) }
  return { tls, security: tls === null && trusted === null ? null : { ...tls, ...trusted } }
}

function read(flag: string, file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new UsageError(`${flag} ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}
