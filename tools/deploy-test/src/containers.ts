/**
 * Services as processes of this machine instead of containers: the image's command with the image's and the
 * service's variables and nothing else around it. Each gets a free port in place of the container's, and
 * `name:3000` means that port wherever it stands.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '@minivault/free-port'
import type { Service } from './compose.ts'
import type { Image } from './image.ts'

const NODE = '/nodejs/bin/node'
const HEALTHY_MS_MAX = 120_000
/** As an engine leaves a pause: each check is a process that takes time from those it asks. */
const CHECK_EVERY_MS = 500

export interface Ended {
  readonly code: number | null
  readonly printed: string
}

export class Container {
  readonly port: number
  readonly url: string
  readonly #image: Image
  readonly #environment: Readonly<Record<string, string>>
  readonly #child: ChildProcess
  readonly #ended: Promise<Ended>
  #printed = ''
  #hasEnded = false

  constructor(image: Image, service: Pick<Service, 'environment' | 'command'>, port: number, data: string) {
    this.port = port
    this.url = `http://127.0.0.1:${port}`
    this.#image = image
    const own = { MINIVAULT_PORT: `${port}`, MINIVAULT_HOST: '127.0.0.1', MINIVAULT_DATA: data }
    this.#environment = { ...image.environment, ...service.environment, ...own }
    this.#child = this.#run([...image.entrypoint, ...service.command])
    for (const output of [this.#child.stdout!, this.#child.stderr!]) {
      output.on('data', (text) => {
        this.#printed += text
      })
    }
    this.#ended = once(this.#child, 'close').then(([code]) => {
      this.#hasEnded = true
      return { code, printed: this.#printed }
    })
  }

  /** The image's health check, once: its exit code and what it said. */
  async check(): Promise<Ended> {
    const child = this.#run(this.#image.healthCheck)
    let printed = ''
    child.stdout!.on('data', (text) => (printed += text))
    child.stderr!.on('data', (text) => (printed += text))
    const [code] = await once(child, 'close')
    return { code, printed }
  }

  /** Rejects with what it printed when it ends before it is healthy. */
  async untilHealthy(): Promise<void> {
    const deadline = performance.now() + HEALTHY_MS_MAX
    let said = ''
    while (performance.now() < deadline && !this.#hasEnded) {
      const { code, printed } = await this.check()
      if (code === 0) return
      said = printed
      await sleep(CHECK_EVERY_MS)
    }
    throw new Error(`not healthy (${said.trim()}), it printed:\n${this.#printed}`)
  }

  async stop(): Promise<Ended> {
    this.#child.kill('SIGTERM')
    return await this.#ended
  }

  kill(): void {
    if (!this.#hasEnded) this.#child.kill('SIGKILL')
  }

  /** Paths of the image are below its root; Node is this one. */
  #run([command, ...words]: readonly string[]): ChildProcess {
    if (command !== NODE) throw new Error(`${command} is not in the base image`)
    const [file, ...rest] = words
    return spawn(process.execPath, [join(this.#image.root, file!), ...rest], {
      cwd: this.#image.root,
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }
}

/** Starts all services; `folder` gets a folder of data for each. */
export async function startServices(
  image: Image,
  services: readonly Service[],
  folder: string,
): Promise<Map<string, Container>> {
  const ports = new Map<string, number>()
  for (const { name } of services) {
    let port = await freePort()
    while ([...ports.values()].includes(port)) port = await freePort()
    ports.set(name, port)
  }
  const mapped = (text: string) =>
    text.replaceAll(/\b([a-z]\w*):3000\b/g, (whole, name) =>
      ports.has(name) ? `localhost:${ports.get(name)}` : whole,
    )
  const started = services.map((service): [string, Container] => {
    const environment = Object.fromEntries(
      Object.entries(service.environment).map(([name, text]) => [name, mapped(`${text}`)]),
    )
    const command = service.command.map(mapped)
    const port = ports.get(service.name)!
    return [service.name, new Container(image, { environment, command }, port, join(folder, service.name))]
  })
  return new Map(started)
}
