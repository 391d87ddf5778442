/** Copies of our packages, and of the node program, with one fault planted in their source, for controls. */
import { existsSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { copyPackage, copyPackages, type PlantedFault, packageWith, plant } from '@minivault/planted'
import type * as Protocol from '@minivault/protocol'
import type * as Storage from '@minivault/storage'
import { builtProgram } from './process/built-program.ts'

export type { PlantedFault } from '@minivault/planted'

const NODE = fileURLToPath(new URL('../../../apps/node', import.meta.url))

/** The storage package over the changed sources, built in an empty folder of the caller. */
export async function storageWith(fault: PlantedFault, folder: string): Promise<typeof Storage> {
  return packageWith('storage', fault, folder)
}

/** The same of the protocol package. */
export async function protocolWith(fault: PlantedFault, folder: string): Promise<typeof Protocol> {
  return packageWith('protocol', fault, folder)
}

/** The node program over the changed sources, in one file as it is shipped: its path. The folder is empty. */
export function plantedNode(fault: PlantedFault, folder: string): Promise<string> {
  return builtProgram(plantedNodeSource(fault, folder))
}

/** The same from its sources: the path of main.ts, beside which are the others. */
export function plantedNodeSource(fault: PlantedFault, folder: string): string {
  const scope = join(folder, 'node_modules', '@minivault')
  copyPackages(fault, 'node', scope)
  copyPackage(NODE, join(scope, 'node'))
  const modules = join(NODE, 'node_modules')
  for (const name of readdirSync(modules)) {
    if (!name.startsWith('@')) symlinkSync(join(modules, name), join(folder, 'node_modules', name))
  }
  // Programs that it can be, too.
  for (const name of readdirSync(join(modules, '@minivault'))) {
    if (!existsSync(join(scope, name))) symlinkSync(join(modules, '@minivault', name), join(scope, name))
  }
  plant(fault, scope)
  return join(scope, 'node', 'src', 'main.ts')
}
