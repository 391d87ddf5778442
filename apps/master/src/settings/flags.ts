/** The table of flags: those of the published command line, plus ours. */
import type { Flags } from '@minivault/command-line'

export const FLAGS = {
  port: { kind: 'integer', fallback: 3000, min: 0, max: 65535, help: 'port to listen on (0: any free port)' },
  host: { kind: 'text', fallback: '0.0.0.0', help: 'address to listen on (127.0.0.1: this machine only)' },
  data: {
    kind: 'text',
    fallback: './data',
    help: 'folder of the registry, of its own; one process at a time',
  },
  auth: { kind: 'text', help: 'key of the cluster (better: -auth-file, which no process list shows)' },
  'auth-file': { kind: 'text', help: 'file whose first line is the key of the cluster' },
  geo: {
    kind: 'choice',
    choices: ['federated', 'stretched'],
    fallback: 'federated',
    help: 'of a new cluster: replicas in each region (federated), or over all of them (stretched)',
  },
  replicas: { kind: 'integer', fallback: 3, min: 1, max: 7, help: 'of a new cluster: copies of each key' },
  founders: {
    kind: 'integer',
    fallback: 0,
    min: 0,
    max: 1024,
    help: 'a new cluster waits for so many workers (0: for those that come within a second)',
  },
  'tls-cert': {
    kind: 'text',
    help: 'certificate file (PEM): the port speaks TLS only; shown to workers, too; read again on SIGHUP',
  },
  'tls-key': { kind: 'text', help: 'private key file (PEM) of the certificate' },
  'tls-ca': { kind: 'text', help: 'authority file (PEM) of the certificates of workers' },
  mode: {
    kind: 'choice',
    choices: ['master'],
    fallback: 'master',
    help: 'what minivault-node is told to be one',
  },
} as const satisfies Flags
