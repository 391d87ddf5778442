/**
 * The four languages: what a machine needs for each, and how its clients are checked, built with their driver
 * and run. Everything is made in a folder of the test, caches included; nothing is downloaded.
 */
import { execFile, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const ROOT = resolve(import.meta.dirname, '../../..')
const EXAMPLES = join(ROOT, 'examples')
const DRIVERS = join(import.meta.dirname, '../drivers')
const STEP_TIMEOUT_MS = 120_000

const execute = promisify(execFile)

export interface Language {
  readonly name: string
  /** The program without which there is nothing to test. */
  readonly tool: string
  /** Checks and builds below `folder`; rejects with what the tools said. Resolves to the driver's command. */
  prepare(folder: string): Promise<readonly string[]>
  /** The command of a program that stands in README.md, built below a prepared `folder`. */
  program(folder: string, text: string): Promise<readonly string[]>
}

export const LANGUAGES: readonly Language[] = [
  {
    name: 'typescript',
    tool: 'node',
    prepare: async () => typescript(join(DRIVERS, 'typescript/driver.ts')),
    program: async (folder, text) => {
      const file = join(folder, 'program.ts')
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
      writeFileSync(file, text.replaceAll("'./examples/", `'${EXAMPLES}/`))
      return typescript(file)
    },
  },
  {
    name: 'python',
    tool: 'python3',
    prepare: async () => python(join(DRIVERS, 'python/driver.py')),
    program: async (folder, text) => {
      const file = join(folder, 'program.py')
      mkdirSync(folder, { recursive: true })
      writeFileSync(file, `import sys\nsys.path.insert(0, sys.argv[1])\n${text}`)
      return python(file)
    },
  },
  { name: 'go', tool: 'go', prepare: prepareGo, program: programGo },
  { name: 'rust', tool: 'rustc', prepare: prepareRust, program: programRust },
]

export function isInstalled(tool: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0
}

/** The clients are type-checked with the rest of the repository (tsconfig.json). */
function typescript(file: string): readonly string[] {
  return [process.execPath, '--import', import.meta.resolve('tsx'), file]
}

/** -B: no byte code beside the clients. -W error: a warning is a failure. */
function python(file: string): readonly string[] {
  return ['python3', '-B', '-W', 'error', file, join(EXAMPLES, 'python')]
}

async function prepareGo(folder: string): Promise<readonly string[]> {
  mkdirSync(join(folder, 'minivault'), { recursive: true })
  writeFileSync(join(folder, 'go.mod'), 'module conformance\n\ngo 1.19\n')
  const files = ['binary.go', 'http.go'].map((name) => join(EXAMPLES, 'go', name))
  for (const file of files) await go(folder, 'vet', file)
  const { stdout } = await execute('gofmt', ['-l', ...files])
  if (stdout !== '') throw new Error(`gofmt would change ${stdout}`)
  for (const name of ['binary.go', 'http.go']) {
    copyFileSync(join(EXAMPLES, 'go', name), join(folder, 'minivault', name))
  }
  copyFileSync(join(DRIVERS, 'go/main.go'), join(folder, 'main.go'))
  await go(folder, 'build', '-o', 'driver', '.')
  return [join(folder, 'driver')]
}

async function programGo(folder: string, text: string): Promise<readonly string[]> {
  mkdirSync(join(folder, 'program'), { recursive: true })
  writeFileSync(join(folder, 'program/main.go'), text.replace('"example.com/app/', '"conformance/'))
  await go(folder, 'build', '-o', 'program/program', './program')
  return [join(folder, 'program/program')]
}

async function go(folder: string, ...words: string[]): Promise<void> {
  const caches = { GOCACHE: join(folder, 'cache'), GOPATH: join(folder, 'path'), GOTMPDIR: folder }
  const offline = { GO111MODULE: 'on', GOFLAGS: '-mod=mod', GOPROXY: 'off', CGO_ENABLED: '0' }
  const env = { ...process.env, ...caches, ...offline }
  await execute('go', words, { cwd: folder, env, timeout: STEP_TIMEOUT_MS })
}

async function prepareRust(folder: string): Promise<readonly string[]> {
  mkdirSync(folder, { recursive: true })
  for (const name of ['binary.rs', 'http.rs']) {
    const file = join(EXAMPLES, 'rust', name)
    await rustc(folder, '--crate-type', 'lib', '--emit', 'metadata', '-D', 'warnings', file)
    copyFileSync(file, join(folder, name))
  }
  copyFileSync(join(DRIVERS, 'rust/main.rs'), join(folder, 'driver.rs'))
  await rustc(folder, '-D', 'warnings', 'driver.rs')
  return [join(folder, 'driver')]
}

async function programRust(folder: string, text: string): Promise<readonly string[]> {
  writeFileSync(join(folder, 'program.rs'), text)
  await rustc(folder, '-A', 'dead_code', 'program.rs')
  return [join(folder, 'program')]
}

async function rustc(folder: string, ...words: string[]): Promise<void> {
  await execute('rustc', ['--edition', '2021', ...words], { cwd: folder, timeout: STEP_TIMEOUT_MS })
}
