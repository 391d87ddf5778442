/** What one RESP connection has said of itself, and what it has begun. The commands read and change it. */
import type { HeldBytes } from '../door/held-bytes.ts'
import type { Command } from './command.ts'
import { HeldValues } from './held-values.ts'

export interface QueuedCommand {
  readonly command: Command
  /** Without the name, in memory of their own. */
  readonly args: readonly Uint8Array[]
}

/** Between MULTI and EXEC. */
export interface Transaction {
  readonly queued: QueuedCommand[]
  /** A command was refused: EXEC refuses all. */
  isRefused: boolean
  /** Of the arguments queued. */
  bytes: number
}

export class SessionState {
  /** For CLIENT ID: unlike that of any other connection of this process. */
  readonly id: number
  readonly connectedAtMs: number
  respVersion: 2 | 3 = 2
  isAuthenticated = false
  /** CLIENT SETNAME, SETINFO. */
  name = ''
  libraryName = ''
  libraryVersion = ''
  transaction: Transaction | null = null
  /** WATCH: version by key (latin1), empty where there was nothing; null: nothing is watched. */
  watched: Map<string, string> | null = null
  /** What the two take. */
  readonly held: HeldValues
  /** Name of the last command that was not a hot one, for CLIENT LIST. */
  lastCommand = ''
  /** The reply that comes next is the last. */
  isClosing = false

  constructor(id: number, connectedAtMs: number, held: HeldBytes) {
    this.id = id
    this.held = new HeldValues(held)
    this.connectedAtMs = connectedAtMs
  }

  /** RESET: as it was at first. */
  reset(): void {
    this.respVersion = 2
    this.isAuthenticated = false
    this.name = ''
    this.transaction = null
    this.watched = null
  }
}
