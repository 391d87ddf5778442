/** The process of one engine: makes the session it is told to, then calls the methods it is told to. */
import { Session } from './session.ts'

let session: Session | null = null

process.on('message', async ({ method, args }: { method: string; args: unknown[] }) => {
  try {
    if (method === 'start') session = new Session(args[0] as ConstructorParameters<typeof Session>[0])
    const call = (session as unknown as Record<string, (...args: unknown[]) => unknown>)[method]
    const result = method === 'start' ? undefined : await call!.apply(session, args)
    process.send!({ result })
  } catch (error) {
    process.send!({ failed: (error as Error).message })
  }
})
process.on('disconnect', () => process.exit())
