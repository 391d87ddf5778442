/** One question on a connection of its own, and the first bytes that come back. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { HOST } from './server.ts'

const PATIENCE_MS = 5000

/** Rejects when the server does not accept, closes, or says nothing in time. */
export async function askOnce(port: number, request: string): Promise<string> {
  const socket = connect(port, HOST)
  const signal = AbortSignal.timeout(PATIENCE_MS)
  try {
    await once(socket, 'connect', { signal })
    socket.write(request, 'latin1')
    const closed = once(socket, 'end', { signal }).then(() => {
      throw new Error('the connection was closed')
    })
    const [answer] = (await Promise.race([once(socket, 'data', { signal }), closed])) as [Buffer]
    closed.catch(() => {})
    return answer.toString('latin1')
  } finally {
    socket.destroy()
  }
}
