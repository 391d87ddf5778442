/**
 * The rule `banned-call`: time, timers, randomness, the process and the console are touched in port files and
 * in main.ts only. Each finding names what to use instead. Tests may: they are the world.
 */
import { type Finding, finding } from './finding.ts'
import { isMain, isTest } from './imports.ts'
import type { PackageFolder } from './package-folder.ts'
import { EDGE_CALLS, type Edge, PORT_FILES } from './ports.ts'

const PROCESS_INSTEAD = 'only main.ts of an app touches the process; pass the value in by options'
const CONSOLE_INSTEAD = 'take a `logger` by options'

export function checkCalls(folder: PackageFolder): Finding[] {
  if (folder.kind === 'tool') return []
  const found: Finding[] = []
  for (const file of folder.files) {
    if (isTest(folder, file) || isMain(folder, file)) continue
    for (const use of file.globals) {
      const call = EDGE_CALLS[use.name]
      if (call !== undefined) {
        if (isPortFile(folder, file.path, call.edge)) continue
        found.push(finding('banned-call', file.path, use.line, `uses ${use.name}: ${call.instead}`))
      } else if (use.name === 'console') {
        found.push(finding('banned-call', file.path, use.line, `uses console: ${CONSOLE_INSTEAD}`))
      } else if (use.name === 'process' && !isPortFile(folder, file.path, 'process')) {
        found.push(finding('banned-call', file.path, use.line, `uses process: ${PROCESS_INSTEAD}`))
      }
    }
  }
  return found
}

function isPortFile(folder: PackageFolder, path: string, edge: Edge): boolean {
  const file = PORT_FILES[folder.path]?.[edge]
  return file !== undefined && path === `${folder.path}/${file}`
}
