/** Commands that go through all keys: what a transaction has written so far they could not see. */
import { type Command, CommandError } from '../command.ts'

/** The same, refused between MULTI and EXEC, which then refuses all. */
export function outsideOfTransactions(command: Command): Command {
  return {
    ...command,
    isImmediate: true,
    run(context, args) {
      const { transaction } = context.session
      if (transaction === null) return command.run(context, args)
      transaction.isRefused = true
      throw new CommandError(`ERR '${command.name}' is not served inside MULTI: it goes through all keys`)
    },
  }
}
