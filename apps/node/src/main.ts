/**
 * The command line: reads the settings, starts the node, prints one ready line, and turns signals into a
 * clean end. The only file that touches the process. Ready line on stdout, log as JSON lines on stderr.
 */
import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { zstdEngine } from '@minivault/codec'
import { EXIT, end, settingsOrEnd, stopOnSignals, UsageError } from '@minivault/command-line'
import type { StorageError } from '@minivault/storage'
import { pino } from 'pino'
import { durabilityName } from './health.ts'
import { whyNotHealthy } from './health-check.ts'
import { DESCRIPTORS_RESERVED, HEAP_GROWING_PERCENT } from './limits.ts'
import { type Node, startNode } from './node.ts'
import { asksForMaster } from './settings/flags.ts'
import { helpText } from './settings/help.ts'
import { readSettings, type Settings } from './settings/settings.ts'
import { VERSION } from './version.ts'

const PROGRAM = 'minivault-node'

/** JSON lines for machines; at a terminal the message alone. */
const destination = process.stderr.isTTY
  ? { write: (line: string) => process.stderr.write(`${PROGRAM}: ${JSON.parse(line).msg}\n`) }
  : pino.destination({ fd: 2, sync: true })
const logger = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination)

/**
 * Descriptors the process may open, less what the node needs for itself; no bound where the system does not
 * tell.
 */
function connectionsPossible(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8')
    const soft = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY)
    return Math.max(1, soft - DESCRIPTORS_RESERVED)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

function isEverywhere(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

function warn(settings: Settings, possible: number): void {
  const { host, authMode, connectionsMax } = settings
  if (connectionsMax > possible) {
    const message = `at most ${possible} connections: the descriptor limit allows no more (see ulimit -n)`
    logger.warn({ wanted: connectionsMax, possible }, message)
  }
  if (isEverywhere(host) && authMode === 'none') {
    logger.warn({ host }, 'everybody who reaches this machine can read and write: see -host, -authmode')
  }
  const zstd = zstdEngine()
  if (!zstd.canCompress) {
    logger.warn(
      { zstd: zstd.name },
      'zstd-napi is not installed: values are compressed with lz4, zstd is only read',
    )
  }
}

function whyNotStarted(error: NodeJS.ErrnoException, settings: Settings): string {
  const { port, httpPort, respPort, host } = settings
  if (error.code === 'EADDRINUSE') {
    const busy = (error as { port?: number }).port ?? port
    const flag = busy === httpPort ? '-http' : busy === respPort ? '-resp' : '-port'
    return `port ${busy} is in use: stop the other program or choose another with ${flag} (0: any free port)`
  }
  if (error.code === 'EACCES')
    return `port ${port} may not be opened by this user: choose one above 1023 with -port`
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return `-host ${host} is not an address of this machine: try 0.0.0.0 or 127.0.0.1`
  }
  return (error as Partial<StorageError>).message ?? String(error)
}

function readyLine(node: Node, settings: Settings): string {
  const address = settings.host.includes(':') ? `[${settings.host}]` : settings.host
  const shown = isEverywhere(settings.host) ? 'localhost' : address
  const web = settings.tls === null ? 'http://' : 'https://'
  const scheme = settings.protocols.has('http') ? web : ''
  const protocols = [...settings.protocols].join('+') + (settings.tls === null ? '' : ' over TLS')
  const http = node.httpPort === 0 ? '' : `, http on ${web}${shown}:${node.httpPort}`
  const resp = node.respPort === 0 ? '' : `, redis on ${shown}:${node.respPort}`
  const url = settings.publicUrl === null ? '' : `, public ${settings.publicUrl}`
  const peers = node.cluster === null ? '' : ` · cluster of ${node.cluster.size}`
  const checked =
    settings.authMode === 'none' ? 'clients are not checked' : `authentication for ${settings.authMode}`
  return (
    `minivault ready: ${protocols} on ${scheme}${shown}:${node.port}${http}${resp}${url}` +
    ` · data ${settings.directory} · durability ${durabilityName(settings.durability)}${peers} · ${checked}\n`
  )
}

async function checkHealth(settings: Settings): Promise<void> {
  try {
    const why = await whyNotHealthy(settings)
    if (why !== null) end(PROGRAM, why, EXIT.failed)
    process.stdout.write('ready\n')
  } catch (error) {
    if (error instanceof UsageError) end(PROGRAM, error.message, EXIT.usage)
    throw error
  }
}

async function runMaster(): Promise<void> {
  const master = await import('@minivault/master')
  return master.runMaster(`${PROGRAM} -mode master`)
}

async function main(): Promise<void> {
  if (asksForMaster(process.argv.slice(2), process.env)) return runMaster()
  const isCheck = (word: string) => /^--?health$/.test(word)
  const words = process.argv.slice(2).filter((word) => !isCheck(word))
  const command = { program: PROGRAM, words, version: VERSION, help: helpText }
  const settings = settingsOrEnd(command, () => readSettings(words, process.env))
  if (process.argv.some(isCheck)) return checkHealth(settings)
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWING_PERCENT}`)
  const possible = connectionsPossible()
  const started: { node: Node | null } = { node: null }
  stopOnSignals(PROGRAM, {
    close: () => started.node?.close() ?? null,
    onStopping: (signal) =>
      logger.info({ signal }, 'stopping: no new requests, draining (once more: at once)'),
  })
  try {
    const node = await startNode({
      ...settings,
      httpPort: settings.httpPort === 0 ? null : settings.httpPort,
      respPort: settings.respPort === 0 ? null : settings.respPort,
      connectionsMax: Math.min(settings.connectionsMax, possible),
      logger,
    })
    started.node = node
    if (settings.tls !== null) process.on('SIGHUP', () => node.reloadCertificates())
    warn(settings, possible)
    if (node.cluster !== null) await node.cluster.untilReady()
    process.stdout.write(readyLine(node, settings))
  } catch (error) {
    if (error instanceof UsageError) end(PROGRAM, error.message, EXIT.usage)
    end(PROGRAM, whyNotStarted(error as NodeJS.ErrnoException, settings), EXIT.failed)
  }
}

void main()
