/** A server under measurement: a real process on loopback with a fresh folder, which goes with it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type ServerPlan, StartedProcess } from './started-process.ts'

export const HOST = '127.0.0.1'

export function freshFolder(parent: string): string {
  return mkdtempSync(join(parent, 'minivault-bench-'))
}

export class Server {
  readonly plan: ServerPlan
  /** Its fresh folder. */
  readonly directory: string
  private readonly process: StartedProcess

  private constructor(plan: ServerPlan, process: StartedProcess, directory: string) {
    this.plan = plan
    this.process = process
    this.directory = directory
  }

  static async start(plan: ServerPlan, parent: string, core: number | null): Promise<Server> {
    const directory = freshFolder(parent)
    try {
      return new Server(plan, await StartedProcess.start(plan, directory, core), directory)
    } catch (error) {
      rmSync(directory, { recursive: true, force: true })
      throw error
    }
  }

  get pid(): number {
    return this.process.pid
  }

  get port(): number {
    return this.process.port
  }

  async close(): Promise<void> {
    await this.process.stop()
    rmSync(this.directory, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
