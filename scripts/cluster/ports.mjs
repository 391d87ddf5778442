// Whether a port is free, asked before anything is started.

import net from 'node:net'
import { StepError } from '../setup/step.mjs'

export async function checkPort({ name, port, flag, host }) {
  const server = net.createServer()
  try {
    await new Promise((resolve, reject) => {
      server.once('error', reject).listen({ port, host }, resolve)
    })
    await new Promise((resolve) => server.close(resolve))
  } catch (error) {
    const why = error.code === 'EADDRINUSE' ? 'is in use' : `cannot be opened (${error.code})`
    throw new StepError(
      `port ${port} of ${name} ${why}: stop the other program or choose another with ${flag}`,
    )
  }
}
