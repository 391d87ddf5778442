/**
 * The rules about imports: `layer` (who may import whom), `door` (a package is entered by its name or its
 * `./testing`, never by a path), `dependency` (package.json may not ask for what the layers forbid) and
 * `edge` (which modules of Node a package may know, and in which file).
 *
 * Tests may use any package's `./testing` door and, in an app, everything; otherwise the table holds for them
 * too. Tools are no part of what runs: both doors of every package are theirs.
 */
import { builtinModules } from 'node:module'
import { type Finding, finding } from './finding.ts'
import { CAPABILITY_MODULES, type Capability, insteadOf, LAYERS, TYPES_ONLY } from './layers.ts'
import type { PackageFolder } from './package-folder.ts'
import { PORT_FILES } from './ports.ts'
import type { Import, SourceFile } from './source-file.ts'

const SCOPE = '@minivault/'

export function checkImports(folder: PackageFolder): Finding[] {
  const found = checkDependencies(folder)
  for (const file of folder.files) {
    for (const entry of file.imports) {
      const builtin = builtinName(entry.module)
      if (builtin !== null) found.push(...checkBuiltin(folder, file, entry, builtin))
      else if (entry.module.startsWith(SCOPE)) found.push(...checkSibling(folder, file, entry))
      else if (entry.module.startsWith('.')) found.push(...checkRelative(folder, file, entry))
    }
  }
  return found
}

function checkSibling(folder: PackageFolder, file: SourceFile, entry: Import): Finding[] {
  const [scope, name, ...rest] = entry.module.split('/')
  const to = `${scope}/${name}`
  const from = folder.manifest.name
  const door = rest.join('/')
  const inTest = isTest(folder, file)
  if (door !== '' && door !== 'testing') {
    const message = `imports ${entry.module}: a package has two doors, ${to} and ${to}/testing`
    return [finding('door', file.path, entry.line, message)]
  }
  if (door === 'testing' && !inTest && folder.kind !== 'tool') {
    return [finding('door', file.path, entry.line, `imports ${entry.module}: that door is for tests only`)]
  }
  if (folder.kind === 'tool' || to === from || (inTest && (door === 'testing' || folder.kind === 'app')))
    return []
  // What has no layer is a tool.
  if (inTest && LAYERS[to] === undefined) return []
  if (!(LAYERS[from]?.mayImport.includes(to) ?? false)) {
    return [finding('layer', file.path, entry.line, `imports ${to}: ${insteadOf(from, to)}`)]
  }
  if (TYPES_ONLY[from]?.includes(to) && !entry.typeOnly && !inTest) {
    return [
      finding(
        'layer',
        file.path,
        entry.line,
        `imports ${to}: only its types; the value comes through a port`,
      ),
    ]
  }
  return []
}

function checkRelative(folder: PackageFolder, file: SourceFile, entry: Import): Finding[] {
  if (folder.kind === 'tool') return []
  const target = new URL(entry.module, `file:///${file.path}`).pathname.slice(1)
  if (!target.startsWith(`${folder.path}/`)) {
    return [
      finding('door', file.path, entry.line, `imports ${entry.module}: enter another package by its name`),
    ]
  }
  const leavesSource =
    file.path.startsWith(`${folder.path}/src/`) && !target.startsWith(`${folder.path}/src/`)
  if (!leavesSource || target.endsWith('.json')) return []
  return [
    finding('door', file.path, entry.line, `imports ${entry.module}: src may not import from outside src`),
  ]
}

function checkBuiltin(folder: PackageFolder, file: SourceFile, entry: Import, builtin: string): Finding[] {
  if (folder.kind === 'tool' || isTest(folder, file) || isMain(folder, file)) return []
  const capability = capabilityOf(builtin)
  if (builtin === 'process') {
    if (file.path === `${folder.path}/${PORT_FILES[folder.path]?.process}`) return []
    return [
      finding(
        'edge',
        file.path,
        entry.line,
        'imports node:process: only main.ts of an app touches the process',
      ),
    ]
  }
  if (capability === null || entry.typeOnly) return []
  const ports = PORT_FILES[folder.path]
  const portFile = capability === 'files' || capability === 'timers' ? ports?.[capability] : undefined
  if (portFile !== undefined) {
    if (file.path === `${folder.path}/${portFile}`) return []
    const message = `imports ${entry.module}: in this package only ${portFile} may; go through its port`
    return [finding('edge', file.path, entry.line, message)]
  }
  const forbidden = LAYERS[folder.manifest.name]?.mustNotKnow ?? []
  if (!forbidden.includes(capability) && capability !== 'files' && capability !== 'timers') return []
  const message = `imports ${entry.module}: ${folder.manifest.name} must not know ${capability}; take a port`
  return [finding('edge', file.path, entry.line, message)]
}

function checkDependencies(folder: PackageFolder): Finding[] {
  if (folder.kind === 'tool') return []
  const { name, dependencies, optionalDependencies, peerDependencies } = folder.manifest
  const path = `${folder.path}/package.json`
  if (LAYERS[name] === undefined) {
    return [
      finding(
        'layer',
        path,
        0,
        `${name} has no place among the layers: give it one in tools/tidy/src/layers.ts`,
      ),
    ]
  }
  const wanted = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })
  return wanted
    .filter((other) => other.startsWith(SCOPE) && !(LAYERS[name]?.mayImport.includes(other) ?? false))
    .map((other) => finding('dependency', path, 0, `depends on ${other}: ${insteadOf(name, other)}`))
}

function capabilityOf(builtin: string): Capability | null {
  for (const [capability, modules] of Object.entries(CAPABILITY_MODULES)) {
    if ((modules as readonly string[]).includes(builtin)) return capability as Capability
  }
  return null
}

function builtinName(module: string): string | null {
  const name = module.startsWith('node:') ? module.slice(5) : module
  if (module.startsWith('node:') || builtinModules.includes(name)) return name
  return name === 'undici' || name === 'ws' ? name : null
}

/** Tests, benchmarks and the `./testing` door: not part of what runs. */
export function isTest(folder: PackageFolder, file: SourceFile): boolean {
  return !file.path.startsWith(`${folder.path}/src/`) || file.path.startsWith(`${folder.path}/src/testing/`)
}

export function isMain(folder: PackageFolder, file: SourceFile): boolean {
  return folder.kind === 'app' && file.path === `${folder.path}/src/main.ts`
}
