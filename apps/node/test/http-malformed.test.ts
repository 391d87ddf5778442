/** A request that cannot be read, behind others that could: their replies first, then its own, then the end. */
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { startNode } from '../src/node.ts'
import { temporaryFolder } from './support/server.ts'

// A header that only the reference knows.
const PUT =
  'PUT /bug HTTP/1.1\r\nHost: n\r\nX-Other: y\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n{"value":1}\r\n0\r\n\r\n'
const GET = 'GET /bug HTTP/1.1\r\nHost: n\r\n\r\n'

async function serve(t: Test) {
  const node = await startNode({ directory: temporaryFolder(t), port: 0, host: '127.0.0.1', durability: 2 })
  t.teardown(() => node.close())
  return node
}

/** All that is answered until the other side ends. */
function answersTo(port: number, pieces: string[], end = false): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', async () => {
      for (const piece of pieces) {
        socket.write(piece)
        await sleep(20)
      }
      if (end) socket.end()
    })
    let text = ''
    socket.setEncoding('latin1')
    socket.on('data', (part) => {
      text += part
    })
    socket.on('end', () => {
      socket.destroy()
      resolve(text)
    })
    socket.on('error', reject)
  })
}

const statuses = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)

t.test('replies that are due come before the refusal', async (t) => {
  const { port } = await serve(t)
  const rows: [string[], string[], boolean?][] = [
    [[`${PUT}GARBAGE\r\n\r\n`], ['200', '400']],
    [
      [PUT, 'GARBAGE\r\n\r\n'],
      ['200', '400'],
    ],
    [
      [`${PUT}GARBAGE\r\n\r\n`, 'and\r\n\r\n', 'more\r\n\r\n'],
      ['200', '400'],
    ],
    [[`${PUT}${PUT}${GET}GARBAGE\r\n\r\n`], ['200', '200', '200', '400']],
    [[`${PUT}${PUT.slice(0, -20)}zz\r\n`], ['200', '400']],
    [[`${PUT}${PUT.slice(0, -5)}`], ['200', '400'], true],
    [[PUT.replace('b\r\n{', 'x\r\n{')], ['400']],
    [['GARBAGE\r\n\r\n'], ['400']],
  ]
  for (const [pieces, expected, end] of rows) {
    const text = await answersTo(port, pieces, end)
    t.same(statuses(text), expected, JSON.stringify(pieces).slice(-60))
    t.match(text, /malformed/)
  }
})
