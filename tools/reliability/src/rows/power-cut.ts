/**
 * Row 5: a power cut on a real file system. Eight pipelined writers at `fsync` on ext4 in an image; the
 * file system is shut down under them without a flush, so that what was not synced is really gone; then it is
 * mounted again and everything acknowledged must be there.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '@minivault/wal/testing'
import { mountObstacle, PowerlessDisk } from '../disk/mounted-disk.ts'
import { FloodBook } from '../process/flood.ts'
import { FloodProcess } from '../process/flood-process.ts'
import { type Context, type Findings, failureText, type Obstacle, type Row } from '../row.ts'
import { checkFolder } from './kill.ts'

const LIFE_MS_MIN = 60
const LIFE_MS_MAX = 400
const CONTROL_CUTS = 4

function obstacle(): Obstacle | null {
  return mountObstacle(['python3', 'mkfs.ext4', 'mount', 'umount'], () => {
    const folder = mkdtempSync(join(tmpdir(), 'minivault-reliability-'))
    try {
      new PowerlessDisk(folder).unmount()
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
}

async function cuts(context: Context, count: number, isLying: boolean): Promise<Findings> {
  const disk = new PowerlessDisk(context.folder())
  const directory = join(disk.path, 'data')
  const book = new FloodBook()
  const random = seededRandom(context.seed)
  const failures: string[] = []
  let n = 0
  try {
    for (; n < count; n++) {
      const flood = await FloodProcess.start({ directory, durability: 'fsync', isLying }, book)
      await sleep(LIFE_MS_MIN + random() * (LIFE_MS_MAX - LIFE_MS_MIN))
      disk.cut()
      await flood.kill()
      await disk.comeBack()
      try {
        const { lost, invented } = await checkFolder(directory, book)
        for (const what of [...lost, ...invented]) failures.push(`cut ${n + 1}: ${what}`)
      } catch (error) {
        failures.push(`cut ${n + 1}: ${failureText(error)}`)
        break
      }
      context.progress(n + 1, count)
    }
  } finally {
    await disk.unmount()
  }
  return { n, failures, measured: `${book.acknowledged} writes acknowledged` }
}

export const powerCutRow: Row = {
  number: 5,
  claim: 'power cut on ext4 with un-fsynced data really gone: 0 acknowledged lost at fsync',
  cases: { smoke: 3, ci: 30, long: 2000 },
  obstacle,
  run: (context, cases) => cuts(context, cases, false),
  controls: [
    {
      fault: 'a store on a file system whose syncs are only acknowledged',
      run: (context) => cuts(context, CONTROL_CUTS, true),
    },
  ],
}
