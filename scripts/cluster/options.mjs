// The command line of scripts/cluster.mjs: the documented options, spelled with two dashes or one.

import { join } from 'node:path'

/** A wrong command line; `message` is the one line for the user. */
export class UsageError extends Error {}

const OPTIONS = {
  'master-port': { shown: '<port>', fallback: '3000', help: 'port of the master' },
  'volume-ports': {
    shown: '<ports>',
    fallback: '3001,3002,3003',
    help: 'ports of the volumes, comma-separated',
  },
  'data-dir': {
    shown: '<path>',
    fallback: './data',
    help: 'in its folder `cluster` each of them has one of its own',
  },
  auth: { shown: '<key>', fallback: '', help: 'authentication key of the master and the volumes' },
  binary: {
    shown: '<path>',
    fallback: '',
    help: 'the program of all nodes (default: ./minivault, this checkout, built when needed)',
  },
}

const HEAD = `A minivault cluster on this machine: a master and its volumes. Ctrl+C stops all of them.

Usage: ./scripts/startup.sh [options]     or     npm run cluster -- [options]

`

const TAIL = `  --help                     this text

  ./scripts/startup.sh --volume-ports 4000,4001,4002,4003,4004
  ./scripts/startup.sh --master-port 8080 --volume-ports 8081,8082,8083
  ./scripts/startup.sh --auth mykey123 --data-dir /tmp/vault --volume-ports 5000,5001

Further flags of the nodes are taken from the environment, for example MINIVAULT_AUTHMODE=all (clients
need the key, too) or MINIVAULT_DURABILITY=os. Nobody but this machine reaches the cluster, unless
MINIVAULT_HOST=0.0.0.0.

Exit codes: 0 stopped by Ctrl+C, 1 could not start or a node ended by itself, 2 the command line is wrong.
`

/** Options, or the text that --help asks for. */
export function readOptions(words) {
  if (words.some((word) => /^--?(help|h)$/.test(word))) return help()
  const texts = readTexts(words)
  const text = (name) => texts.get(name) ?? OPTIONS[name].fallback
  const masterPort = readPort('master-port', text('master-port'))
  const volumePorts = text('volume-ports')
    .split(',')
    .map((part) => readPort('volume-ports', part.trim()))
  const twice = [masterPort, ...volumePorts].find((port, index, all) => all.indexOf(port) !== index)
  if (twice !== undefined) throw new UsageError(`port ${twice} is given twice: each node needs its own`)
  const binary = text('binary')
  // A folder may hold the data of one node, too, or come to hold it: `./data` is everybody's default.
  return { masterPort, volumePorts, directory: join(text('data-dir'), 'cluster'), auth: text('auth'), binary }
}

function readTexts(words) {
  const texts = new Map()
  const rest = [...words]
  while (rest.length > 0) {
    const word = rest.shift()
    const [, name, joined] = /^--?([a-z-]+)(?:=(.*))?$/.exec(word) ?? []
    if (name === undefined || !Object.hasOwn(OPTIONS, name)) {
      throw new UsageError(`${word} is not an option: see ./scripts/startup.sh --help`)
    }
    if (texts.has(name)) throw new UsageError(`--${name} is given twice: leave one out`)
    const value = joined ?? rest.shift()
    const isMissing = value === undefined || value === '' || (joined === undefined && /^--?[a-z]/.test(value))
    if (isMissing) throw new UsageError(`--${name} needs a value: ${OPTIONS[name].help}`)
    texts.set(name, value)
  }
  return texts
}

function readPort(name, text) {
  const port = Number(text)
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port
  throw new UsageError(`--${name} takes ports from 1 to 65535, not "${text}"`)
}

function help() {
  const rows = Object.entries(OPTIONS).map(([name, { shown, fallback, help }]) => {
    const option = `  --${name} ${shown}`.padEnd(29)
    return `${option}${help}${fallback === '' ? '' : ` (default: ${fallback})`}\n`
  })
  return `${HEAD}${rows.join('')}${TAIL}`
}
