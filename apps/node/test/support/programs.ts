/**
 * Programs of others that tests need: skipped without them, loudly; but not where everything was to be
 * installed (CI).
 */
import { spawnSync } from 'node:child_process'

/** For tap's `skip`: false where the program is there, or its absence shall fail the test. */
export function skipWithout(...programs: string[]): string | false {
  const missing = programs.filter((program) => spawnSync('which', [program]).status !== 0)
  if (missing.length === 0) return false
  const words = `there is no ${missing.join(' and no ')} on this machine`
  process.stderr.write(`not tested: ${words}\n`)
  return process.env['CI'] ? false : words
}
