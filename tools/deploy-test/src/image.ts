/**
 * An image built without an engine: each stage is a folder that stands for the root of a file system, COPY
 * copies into it, RUN runs in it by the machine's own shell and Node. That can show all but what the base
 * images bring, and holds as long as no RUN names an absolute path.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { copyContext } from './context.ts'
import { readCommand, readDockerfile, type Stage } from './dockerfile.ts'

export interface Image {
  /** The folder that stands for `/`. */
  readonly root: string
  readonly environment: Readonly<Record<string, string>>
  readonly entrypoint: readonly string[]
  readonly healthCheck: readonly string[]
  readonly user: string
  readonly volumes: readonly string[]
  readonly ports: readonly number[]
}

const RUN_MS_MAX = 240_000

/** Builds `repository`/Dockerfile in `folder`. */
export function buildImage(repository: string, folder: string): Image {
  const stages = readDockerfile(readFileSync(join(repository, 'Dockerfile'), 'utf8'))
  const roots = new Map<string, string>()
  stages.forEach((stage, index) => {
    const root = join(folder, stage.name ?? `stage-${index}`)
    mkdirSync(root, { recursive: true })
    fill(stage, root, repository, roots)
    roots.set(stage.name ?? `${index}`, root)
  })
  return describe(stages.at(-1)!, [...roots.values()].at(-1)!)
}

function fill(stage: Stage, root: string, repository: string, roots: ReadonlyMap<string, string>): void {
  let directory = root
  for (const { name, rest, flags } of stage.instructions) {
    if (name === 'WORKDIR') {
      directory = join(root, rest)
      mkdirSync(directory, { recursive: true })
    }
    if (name === 'COPY') copy(rest, flags['from'])
    if (name === 'RUN') run(rest)
  }

  function copy(paths: string, from: string | undefined): void {
    const [source, target] = paths.split(' ') as [string, string]
    const destination = target.startsWith('/') ? join(root, target) : join(directory, target)
    mkdirSync(destination, { recursive: true })
    if (from !== undefined) cpSync(join(roots.get(from)!, source), destination, { recursive: true })
    else copyContext(join(repository, source), destination)
  }

  function run(command: string): void {
    if (/(^|[\s=])\//.test(command)) throw new Error(`RUN ${command} names a path outside its folder`)
    const options = { cwd: directory, encoding: 'utf8', timeout: RUN_MS_MAX } as const
    const { status, stdout, stderr } = spawnSync('sh', ['-c', command], options)
    if (status !== 0) throw new Error(`RUN ${command} ended with ${status}:\n${stdout}${stderr}`)
  }
}

function describe({ instructions }: Stage, root: string): Image {
  const all = (name: string) => instructions.filter((one) => one.name === name).map((one) => one.rest)
  return {
    root,
    environment: Object.fromEntries(all('ENV').map((text) => text.split('=') as [string, string])),
    entrypoint: readCommand(all('ENTRYPOINT').at(-1)!),
    healthCheck: readCommand(all('HEALTHCHECK').at(-1)!),
    user: all('USER').at(-1)!,
    volumes: all('VOLUME'),
    ports: all('EXPOSE').map(Number),
  }
}
