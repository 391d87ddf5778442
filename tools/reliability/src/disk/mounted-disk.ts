/**
 * Real file systems made for a test: an ext4 image on a loop device whose power can be cut, and a small tmpfs
 * that fills up. Both need root and the kernel's leave; `mountObstacle` tries one to find out.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, ftruncateSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Obstacle } from '../row.ts'

const IMAGE_BYTES = 96 * 1024 * 1024
const UNMOUNT_TRIES = 50

/** EXT4_IOC_SHUTDOWN with NOLOGFLUSH: from now on nothing reaches the device, the journal neither. */
const SHUTDOWN = `
import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))
`

/** What is mounted now: let go of when this process ends in the middle. */
const mounted = new Set<string>()
process.on('exit', () => {
  for (const path of mounted) spawnSync('umount', ['--lazy', path])
})

function run(command: string, ...words: string[]): void {
  const { status, stderr, error } = spawnSync(command, words, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${words.join(' ')}: ${error?.message ?? stderr.trim()}`)
}

/** Why nothing can be mounted here, or null. `work` is an empty folder. */
export function mountObstacle(programs: readonly string[], mount: () => void): Obstacle | null {
  for (const program of programs) {
    const { status } = spawnSync('sh', ['-c', `command -v ${program}`])
    if (status !== 0) return { kind: 'tool', why: `${program} is not installed` }
  }
  if (process.getuid?.() !== 0)
    return { kind: 'privilege', why: 'needs root, to mount a file system of its own' }
  try {
    mount()
    return null
  } catch (error) {
    return { kind: 'privilege', why: `this kernel does not let us mount: ${(error as Error).message}` }
  }
}

export class Tmpfs {
  readonly path: string

  constructor(folder: string, bytes: number) {
    this.path = join(folder, 'tmpfs')
    mkdirSync(this.path)
    run('mount', '-t', 'tmpfs', '-o', `size=${bytes}`, 'none', this.path)
    mounted.add(this.path)
  }

  unmount(): void {
    run('umount', this.path)
    mounted.delete(this.path)
  }
}

export class PowerlessDisk {
  readonly path: string
  readonly #image: string

  /** Makes an ext4 in an image of its own and mounts it. */
  constructor(folder: string) {
    this.path = join(folder, 'mounted')
    this.#image = join(folder, 'image')
    mkdirSync(this.path)
    const descriptor = openSync(this.#image, 'w')
    ftruncateSync(descriptor, IMAGE_BYTES)
    closeSync(descriptor)
    run('mkfs.ext4', '-q', '-F', this.#image)
    this.#mount()
  }

  /** What was not synced is gone; all who use the disk get errors until it comes back. */
  cut(): void {
    run('python3', '-c', SHUTDOWN, this.path)
  }

  /** The power is back. Nobody may use the disk any more. */
  async comeBack(): Promise<void> {
    await this.unmount()
    this.#mount()
  }

  async unmount(): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        run('umount', this.path)
        mounted.delete(this.path)
        return
      } catch (error) {
        if (tries === UNMOUNT_TRIES) throw error
        await sleep(100)
      }
    }
  }

  #mount(): void {
    run('mount', '-o', 'loop', this.#image, this.path)
    mounted.add(this.path)
  }
}
