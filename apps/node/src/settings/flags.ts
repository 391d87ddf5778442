/** The table of flags: those of the two published command lines, plus ours. */
import type { Flags } from '@minivault/command-line'

export const FLAGS = {
  port: {
    kind: 'integer',
    fallback: 3000,
    min: 0,
    max: 65535,
    help: 'port for every protocol, told apart by its first byte (0: any free port)',
  },
  http: { kind: 'integer', fallback: 0, min: 0, max: 65535, help: 'one more port, HTTP only (0: none)' },
  resp: {
    kind: 'integer',
    fallback: 0,
    min: 0,
    max: 65535,
    help: 'one more port, Redis protocol only, inline commands too (0: none)',
  },
  host: { kind: 'text', fallback: '0.0.0.0', help: 'address to listen on (127.0.0.1: this machine only)' },
  data: { kind: 'text', fallback: './data', help: 'data folder; one process at a time' },
  durability: {
    kind: 'choice',
    choices: ['memory', 'os', 'fsync'],
    fallback: 'fsync',
    help: 'what an acknowledged write survives: memory nothing, os a killed process, fsync a power cut',
  },
  auth: { kind: 'text', help: 'authentication key (better: -auth-file, which no process list shows)' },
  'auth-file': { kind: 'text', help: 'file whose first line is the authentication key' },
  authmode: {
    kind: 'choice',
    choices: ['none', 'writes', 'all'],
    fallback: 'none',
    help: 'which client requests need the key: none, writes, all (health never does)',
  },
  ratelimit: {
    kind: 'integer',
    fallback: 0,
    min: 0,
    max: 1_000_000_000,
    help: 'operations a second over all clients, with a burst of a tenth (0: no limit)',
  },
  cache: {
    kind: 'integer',
    fallback: 512,
    min: 4,
    max: 1_048_576,
    help: 'memory for recent and hot records, in MB',
  },
  protocols: {
    kind: 'list',
    choices: ['binary', 'http', 'resp'],
    fallback: 'binary,http,resp',
    help: 'what -port serves, comma-separated: binary, http, resp (Redis clients)',
  },
  maxconns: {
    kind: 'integer',
    fallback: 50_000,
    min: 1,
    max: 1_000_000,
    help: 'connections at once; lowered to the descriptor limit less 64',
  },
  'public-url': {
    kind: 'text',
    help: 'the address under which others reach this node; a cluster (CLUSTER_NODES, -master) needs it',
  },
  'tls-cert': {
    kind: 'text',
    help: 'certificate file (PEM): every port speaks TLS only; read again on SIGHUP',
  },
  'tls-key': { kind: 'text', help: 'private key file (PEM) of the certificate' },
  'tls-ca': { kind: 'text', help: 'authority file (PEM): clients must show a certificate signed by it' },
  cors: {
    kind: 'text',
    help: 'origins whose pages may call from browsers, comma-separated, or * (default: none)',
  },
  mode: {
    kind: 'choice',
    choices: ['worker', 'master'],
    fallback: 'worker',
    help: 'worker; master: what minivault-master is, with its flags (-mode master -help)',
  },
  master: {
    kind: 'text',
    help: 'address of the master, such as http://master:8080: the other workers come from there',
  },
  workers: {
    kind: 'integer',
    fallback: 50,
    min: 1,
    max: 10_000,
    help: 'batches for each other node of a cluster that may be unanswered at once',
  },
  bootstrap: {
    kind: 'choice',
    choices: ['no', 'yes'],
    fallback: 'no',
    help: 'yes: begin a new cluster although members are silent; say it to one node only',
  },
  'max-offset': {
    kind: 'integer',
    fallback: 500,
    min: 1,
    max: 3_600_000,
    help: "milliseconds that another node's clock may be ahead of this one",
  },
  region: {
    kind: 'text',
    help: 'region of this node in its cluster, a-z 0-9 -; with CLUSTER_NODES that of all (default: default)',
  },
  zone: { kind: 'text', help: 'zone of this node in its region: replicas of a key keep to different ones' },
} as const satisfies Flags

export type FlagName = keyof typeof FLAGS

/** Whether the command line, or else the environment, asks for `-mode master`, which has flags of its own. */
export function asksForMaster(
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  const at = words.findIndex((word) => /^--?mode(=|$)/.test(word))
  if (at < 0) return environment['MINIVAULT_MODE'] === 'master'
  return words[at]!.endsWith('=master') || words[at + 1] === 'master'
}

/** The documents' own variable: the other nodes of the cluster, comma-separated. */
export const CLUSTER_NODES = 'CLUSTER_NODES'
