/** `--help`: every flag with its default, and three commands to start from. */
import { environmentName, helpRows } from '@minivault/command-line'
import { FLAGS } from './flags.ts'

const HEAD = `minivault-node: one node of the minivault key-value store

Usage: minivault-node [flags]          -port 3000 and --port 3000 mean the same

  minivault-node -port 3000 -data ./data
  minivault-node -port 3000 -auth secretkey -authmode writes
  minivault-node -host 127.0.0.1 -durability os -cache 2048
  minivault-node -tls-cert cert.pem -tls-key key.pem
  minivault-node -mode master -port 3000 -data ./master
  minivault-node -port 3001 -public-url host1:3001 -master http://host0:3000 -region eu -data ./data
  CLUSTER_NODES=host2:3000,host3:3000 minivault-node -public-url host1:3000 -data ./data

  curl -X PUT localhost:3000/mykey -H 'Content-Type: application/json' -d '{"value": "hello"}'
  curl localhost:3000/mykey
  redis-cli -p 3000 set user:1 alice

Flags (in the environment: MINIVAULT_PORT, MINIVAULT_AUTH_FILE, …):
`

const TAIL = `
  -help               this text
  -health             asks the node of these flags whether it is ready, for supervisors: exit code 0 or 1
  -version            the version

Exit codes: 0 stopped by a signal, 1 could not start or run, 2 the command line is wrong.
`

export function helpText(): string {
  return `${HEAD}${helpRows(FLAGS)}
${TAIL}
CLUSTER_NODES in the environment names the other nodes of a cluster, comma-separated.
Each flag is also read from the environment, for example ${environmentName('auth-file')}.
`
}
