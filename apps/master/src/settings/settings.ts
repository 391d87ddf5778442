/** From a command line and an environment to the checked settings of a master; else a `UsageError`. */
import { readAuthKey, readTexts, UsageError } from '@minivault/command-line'
import type { SecurityFiles } from '../security.ts'
import type { ClusterRules } from '../workers/enrolment.ts'
import { FLAGS } from './flags.ts'

export interface Settings extends SecurityFiles {
  port: number
  host: string
  directory: string
  authKey: string | null
  rules: ClusterRules
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
    ...readTlsFiles(text('tls-cert'), text('tls-key'), text('tls-ca') || null),
  }
}

function readTlsFiles(certFile: string, keyFile: string, caFile: string | null): SecurityFiles {
  if (certFile === '' && keyFile !== '')
    throw new UsageError('-tls-key needs the certificate: add -tls-cert FILE')
  if (keyFile === '' && certFile !== '')
    throw new UsageError('-tls-cert needs its private key: add -tls-key FILE')
  return { tls: certFile === '' ? null : { certFile, keyFile, caFile }, caFile }
}
