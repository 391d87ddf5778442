/** The commands that speak of the connection itself: AUTH, HELLO, PING, ECHO, SELECT, CLIENT, RESET, QUIT. */
import { type Command, OK } from './command.ts'

export const connectionCommands: readonly Command[] = [
  {
    name: 'echo',
    arity: 2,
    kind: 'connection',
    flags: ['fast'],
    summary: 'Returns the given string',
    run: (_context, [text]) => text!,
  },
  {
    name: 'quit',
    arity: -1,
    kind: 'connection',
    flags: ['fast'],
    isForStrangers: true,
    isImmediate: true,
    summary: 'Closes the connection',
    run({ session }) {
      session.isClosing = true
      return OK
    },
  },
]
