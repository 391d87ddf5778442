/** The one file of this package that reads files. */
import { readFileSync } from 'node:fs'

/** The whole of it; throws what the system says. */
export function readBytes(file: string): Buffer {
  return readFileSync(file)
}
