/**
 * How long an installed minivault-node takes from the command to its ready line: through npx, and by the file
 * that npx runs; and the same for a command that says at once that it is ready: the part of npx and of Node.
 */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startProgram } from './running-node.ts'

export const WAYS = ['npx', 'itself', 'npx alone', 'Node alone'] as const
export type Way = (typeof WAYS)[number]

/** Milliseconds, in the order of the starts. */
export type StartTimes = Readonly<Record<Way, number[]>>

const AT_ONCE = 'ready-at-once'

/** Starts each of the ways `count` times in turns. `folder`: where the packages are installed. */
export async function measureStarts(folder: string, count: number): Promise<StartTimes> {
  const commands = join(folder, 'node_modules', '.bin')
  const atOnce = join(commands, AT_ONCE)
  writeFileSync(atOnce, "#!/usr/bin/env node\nprocess.stdout.write('ready on :1\\n')\n")
  chmodSync(atOnce, 0o755)
  const programs: Record<Way, string[]> = {
    npx: ['npx', '--no-install', 'minivault-node'],
    itself: [join(commands, 'minivault-node')],
    'npx alone': ['npx', '--no-install', AT_ONCE],
    'Node alone': [atOnce],
  }
  const times: StartTimes = { npx: [], itself: [], 'npx alone': [], 'Node alone': [] }
  for (let start = 0; start < count; start++) {
    for (const way of WAYS) times[way].push(await startOnce(programs[way], folder))
  }
  return times
}

async function startOnce([command, ...words]: readonly string[], folder: string): Promise<number> {
  const data = mkdtempSync(join(folder, 'data-'))
  const flags = ['-port', '0', '-host', '127.0.0.1', '-data', data]
  try {
    const program = await startProgram(command!, [...words, ...flags], folder)
    await program.stop()
    return program.readyMs
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
}

/** `min / median / max`, whole milliseconds. */
export function describeTimes(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b)
  return [sorted[0]!, sorted[sorted.length >> 1]!, sorted.at(-1)!].map((ms) => ms.toFixed(0)).join(' / ')
}
