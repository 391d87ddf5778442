/** The rules of the master with a fault, as a copy in an empty folder of the caller. */
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { copyPackage, type PlantedFault, plant } from '@minivault/planted'
import type { MasterPackage } from '../world/master.ts'

const MASTER = fileURLToPath(new URL('../../../../apps/master', import.meta.url))

export async function masterWith(fault: PlantedFault, folder: string): Promise<MasterPackage> {
  const scope = join(folder, 'node_modules', '@minivault')
  const copy = join(scope, 'master')
  mkdirSync(scope, { recursive: true })
  copyPackage(MASTER, copy)
  symlinkSync(join(MASTER, 'node_modules'), join(copy, 'node_modules'))
  plant(fault, scope)
  const load = (file: string) => import(pathToFileURL(join(copy, 'src', file)).href)
  return {
    ...(await load('workers/enrolment.ts')),
    ...(await load('workers/workers.ts')),
    ...(await load('layout/layout-care.ts')),
  }
}
