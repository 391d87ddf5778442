/**
 * Another wall clock for one member, by libfaketime: off, at another speed, and moved while it runs. Its
 * monotonic clock stays right, as that of a machine whose clock somebody has set.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Obstacle } from '../row.ts'

const LIBRARY = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1'
/** After which it looks at its file again. */
const LOOKS_EVERY_S = 1

export function clockObstacle(): Obstacle | null {
  return existsSync(LIBRARY) ? null : { kind: 'tool', why: 'libfaketime is not installed' }
}

export class WrongClock {
  readonly #path: string

  /** @param folder for the file that tells the time; `offset` as libfaketime has it: `+3600`, `+0 x1.5` */
  constructor(folder: string, offset: string) {
    this.#path = join(folder, 'clock')
    this.set(offset)
  }

  /** Seen within a second. */
  set(offset: string): void {
    writeFileSync(this.#path, `${offset}\n`)
  }

  /** The speed, too: it would stay where none is said. */
  setRight(): void {
    this.set('+0 x1')
  }

  get environment(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: LIBRARY,
      FAKETIME_TIMESTAMP_FILE: this.#path,
      FAKETIME_CACHE_DURATION: String(LOOKS_EVERY_S),
      DONT_FAKE_MONOTONIC: '1',
    }
  }
}
