/** A compose file read: the services with what our test of them needs to know. */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

export interface Service {
  readonly name: string
  readonly image: string
  readonly hostname: string
  readonly environment: Readonly<Record<string, string>>
  readonly command: readonly string[]
  /** `host:container`, as printed. */
  readonly ports: readonly string[]
  readonly volumes: readonly string[]
  /** Services that it waits for. */
  readonly waitsFor: readonly string[]
}

/** What a service of ours may say. Anything else must be understood here first. */
const KNOWN = new Set(
  'image build restart stop_grace_period hostname ports environment volumes command depends_on'.split(' '),
)

export function readCompose(path: string): Service[] {
  const { services, volumes } = parse(readFileSync(path, 'utf8'), { merge: true })
  return Object.entries<Record<string, unknown>>(services).map(([name, service]) => {
    const unknown = Object.keys(service).find((key) => !KNOWN.has(key))
    if (unknown !== undefined) throw new Error(`${path}: what does ${unknown} of ${name} mean?`)
    const mounts = (service['volumes'] ?? []) as string[]
    const missing = mounts.find((mount) => !Object.hasOwn(volumes, mount.split(':')[0]!))
    if (missing !== undefined) throw new Error(`${path}: ${missing} of ${name} is no volume of the file`)
    return {
      name,
      image: service['image'] as string,
      hostname: service['hostname'] as string,
      environment: (service['environment'] ?? {}) as Record<string, string>,
      command: (service['command'] ?? []) as string[],
      ports: service['ports'] as string[],
      volumes: mounts,
      waitsFor: Object.keys((service['depends_on'] ?? {}) as object),
    }
  })
}
