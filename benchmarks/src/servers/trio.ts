/**
 * Three members of a cluster under measurement, each a process in a folder of its own that outlives it: one
 * can be stopped, killed, frozen and started again. `close()` ends them all and removes the folders.
 */
import { rmSync } from 'node:fs'
import { freshFolder } from './server.ts'
import { type ServerPlan, StartedProcess } from './started-process.ts'

export class Member {
  readonly plan: ServerPlan
  readonly directory: string
  process: StartedProcess | null = null
  isFrozen = false

  constructor(plan: ServerPlan, directory: string) {
    this.plan = plan
    this.directory = directory
  }

  async start(): Promise<void> {
    this.process = await StartedProcess.start(this.plan, this.directory, null)
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await this.process?.stop(signal)
    this.process = null
    this.isFrozen = false
  }

  freeze(): void {
    this.process?.freeze()
    this.isFrozen = true
  }

  thaw(): void {
    this.process?.thaw()
    this.isFrozen = false
  }
}

export class Trio {
  readonly name: string
  readonly members: readonly Member[]

  private constructor(name: string, members: readonly Member[]) {
    this.name = name
    this.members = members
  }

  /** Together: none may be ready before a quorum of them is there. */
  static async start(plans: readonly ServerPlan[], parent: string): Promise<Trio> {
    const members = plans.map((plan) => new Member(plan, freshFolder(parent)))
    const trio = new Trio(plans[0]!.name, members)
    try {
      await trio.startAll()
      return trio
    } catch (error) {
      await trio.close()
      throw error
    }
  }

  async startAll(): Promise<void> {
    const started = await Promise.allSettled(this.members.map((member) => member.start()))
    for (const one of started) if (one.status === 'rejected') throw one.reason
  }

  /** Those that answer. */
  get ports(): number[] {
    return this.members.flatMap(({ process, isFrozen }) => (process && !isFrozen ? [process.port] : []))
  }

  /** Those that use CPU. */
  get pids(): number[] {
    return this.members.flatMap(({ process }) => (process ? [process.pid] : []))
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop('SIGKILL')))
    for (const { directory } of this.members) rmSync(directory, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
