/** Every command, by name. */
import type { Command, CommandTable } from './command.ts'
import { connectionCommands } from './connection-commands.ts'

const lists: readonly (readonly Command[])[] = [connectionCommands]

export const commands: CommandTable = new Map(lists.flat().map((command) => [command.name, command]))
