/** Every command, by name. */
import type { Command, CommandTable } from './command.ts'
import { allKeysCommands } from './commands/all-keys.ts'
import { counterCommands } from './commands/counters.ts'
import { expiryCommands } from './commands/expiry.ts'
import { keyCommands } from './commands/keys.ts'
import { manyCommands } from './commands/many.ts'
import { refusedCommands } from './commands/refusals.ts'
import { serverCommands } from './commands/server.ts'
import { stringCommands } from './commands/strings.ts'
import { transactionCommands } from './commands/transactions.ts'
import { connectionCommands } from './connection-commands.ts'

const lists: readonly (readonly Command[])[] = [
  connectionCommands,
  stringCommands,
  manyCommands,
  counterCommands,
  expiryCommands,
  keyCommands,
  allKeysCommands,
  transactionCommands,
  serverCommands,
  refusedCommands,
]

export const commands: CommandTable = new Map(lists.flat().map((command) => [command.name, command]))
