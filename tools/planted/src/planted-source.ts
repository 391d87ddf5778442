/**
 * A copy of packages with one fault planted in their source, for controls: the product carries no switch for
 * it. The text to replace must be there exactly once, so that a fault whose place has moved breaks its
 * control instead of passing it.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const PACKAGES = fileURLToPath(new URL('../../../packages', import.meta.url))

export interface PlantedFault {
  /** From `packages/`, such as `storage/src/merge-run.ts`; or of the node program: `node/src/limits.ts`. */
  readonly file: string
  /** What stands there, and what stands there instead. */
  readonly edits: readonly (readonly [find: string, replace: string])[]
  /** The same fault in another file, where both stand guard. */
  readonly also?: PlantedFault
}

/** A package over the changed sources, built in an empty folder of the caller. */
export function packageWith<T>(name: string, fault: PlantedFault, folder: string): Promise<T> {
  const scope = join(folder, 'node_modules', '@minivault')
  copyPackages(fault, name, scope)
  plant(fault, scope)
  return import(pathToFileURL(join(scope, name, 'src', 'index.ts')).href)
}

/** What is changed, and what stands above it, as copies; the rest by links. */
export function copyPackages(fault: PlantedFault, above: string, scope: string): void {
  mkdirSync(scope, { recursive: true })
  const changed = [above]
  for (let one: PlantedFault | undefined = fault; one !== undefined; one = one.also) {
    changed.push(one.file.split('/')[0]!)
  }
  for (const name of readdirSync(PACKAGES)) {
    const isCopied = changed.includes(name)
    if (isCopied) copyPackage(join(PACKAGES, name), join(scope, name))
    else symlinkSync(join(PACKAGES, name), join(scope, name))
  }
}

/** Changes the copies. */
export function plant(fault: PlantedFault, scope: string): void {
  const path = join(scope, fault.file)
  let text = readFileSync(path, 'utf8')
  for (const [find, replace] of fault.edits) {
    const count = text.split(find).length - 1
    if (count !== 1) throw new Error(`\`${find}\` stands ${count} times in ${fault.file}: move the fault`)
    text = text.replace(find, () => replace)
  }
  writeFileSync(path, text)
  if (fault.also !== undefined) plant(fault.also, scope)
}

export function copyPackage(from: string, to: string): void {
  mkdirSync(to)
  cpSync(join(from, 'package.json'), join(to, 'package.json'))
  cpSync(join(from, 'src'), join(to, 'src'), { recursive: true })
}
