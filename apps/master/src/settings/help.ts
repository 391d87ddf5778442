/** `--help`: every flag with its default, and a cluster to start from. */
import { environmentName, helpRows } from '@minivault/command-line'
import { FLAGS } from './flags.ts'

export function helpText(program: string): string {
  return `${program}: the master of a minivault cluster, through which workers find each other

Usage: ${program} [flags]          -port 3000 and --port 3000 mean the same

  ${program} -port 3000 -data ./data/master
  minivault-node -port 3001 -data ./eu -public-url localhost:3001 -master http://localhost:3000 -region eu
  minivault-node -port 3002 -data ./us -public-url localhost:3002 -master http://localhost:3000 -region us

  curl localhost:3000/-/admin/workers
  curl localhost:3000/-/admin/layout

Flags (in the environment: MINIVAULT_PORT, ${environmentName('auth-file')}, …):
${helpRows(FLAGS)}

  -help               this text
  -health             asks the master of these flags whether it is ready, for supervisors: exit code 0 or 1
  -version            the version

No data passes through the master, and the cluster goes on while it is away.
Exit codes: 0 stopped by a signal, 1 could not start or run, 2 the command line is wrong.
`
}
