/** Commands that ask about the node. */
import type { Command } from '../command.ts'
import { commandCommand } from './command-facts.ts'
import { configCommand } from './config.ts'
import { infoCommand } from './info.ts'

export const serverCommands: readonly Command[] = [
  commandCommand,
  configCommand,
  infoCommand,
  {
    name: 'time',
    arity: 1,
    kind: 'connection',
    flags: ['fast'],
    summary: "Tells the node's time: seconds, and microseconds of the second",
    run({ now }) {
      const ms = now()
      const seconds = Math.floor(ms / 1000)
      return [String(seconds), String(Math.floor((ms - seconds * 1000) * 1000))]
    },
  },
]
