/**
 * The command line of the master, under whichever name it was started: reads the settings, starts, prints one
 * ready line, and turns signals into a clean end. Ready line on stdout, log as JSON lines on stderr.
 */
import { EXIT, end, settingsOrEnd, stopOnSignals, UsageError } from '@minivault/command-line'
import { pino } from 'pino'
import { whyNotHealthy } from './health-check.ts'
import { type Master, startMaster } from './master.ts'
import { helpText } from './settings/help.ts'
import { readSettings, type Settings } from './settings/settings.ts'
import { VERSION } from './version.ts'

/** @param program as it is told in lines for the user */
export async function runMaster(program: string): Promise<void> {
  const isCheck = (word: string) => /^--?health$/.test(word)
  const words = process.argv.slice(2).filter((word) => !isCheck(word))
  const command = { program, words, version: VERSION, help: () => helpText(program) }
  const settings = settingsOrEnd(command, () => readSettings(program, words, process.env))
  if (process.argv.some(isCheck)) return checkHealth(program, settings)
  const destination = process.stderr.isTTY
    ? { write: (line: string) => process.stderr.write(`${program}: ${JSON.parse(line).msg}\n`) }
    : pino.destination({ fd: 2, sync: true })
  const logger = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination)
  const started: { master: Master | null } = { master: null }
  stopOnSignals(program, {
    close: () => started.master?.close() ?? null,
    onStopping: (signal) => logger.info({ signal }, 'stopping (once more: at once)'),
  })
  try {
    const master = await startMaster({ ...settings, logger })
    started.master = master
    if (settings.tls !== null) process.on('SIGHUP', () => master.reloadCertificates())
    if (isEverywhere(settings.host) && settings.authKey === null) {
      const message = 'everybody who reaches this machine can add and remove workers: see -host, -auth'
      logger.warn({ host: settings.host }, message)
    }
    process.stdout.write(readyLine(master, settings))
  } catch (error) {
    if (error instanceof UsageError) end(program, error.message, EXIT.usage)
    end(program, whyNotStarted(error as NodeJS.ErrnoException, settings), EXIT.failed)
  }
}

async function checkHealth(program: string, settings: Settings): Promise<void> {
  const why = await whyNotHealthy(settings)
  if (why !== null) end(program, why, EXIT.failed)
  process.stdout.write('ready\n')
}

function isEverywhere(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

function readyLine({ port }: Master, { host, tls, directory, authKey, rules }: Settings): string {
  const address = host.includes(':') ? `[${host}]` : host
  const shown = isEverywhere(host) ? 'localhost' : address
  const checked = authKey === null ? 'workers are not checked' : 'workers show the key'
  return (
    `minivault ready: master on ${tls === null ? 'http' : 'https'}://${shown}:${port}` +
    ` · registry ${directory} · ${rules.mode} · ${checked}\n`
  )
}

function whyNotStarted(error: NodeJS.ErrnoException, { port, host }: Settings): string {
  if (error.code === 'EADDRINUSE')
    return `port ${port} is in use: stop the other program or choose another with -port (0: any free port)`
  if (error.code === 'EACCES')
    return `port ${port} may not be opened by this user: choose one above 1023 with -port`
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return `-host ${host} is not an address of this machine: try 0.0.0.0 or 127.0.0.1`
  return error.message
}
