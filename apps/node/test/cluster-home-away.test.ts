/**
 * Two regions, and the home is away: in the other one what is plain goes on, and what is conditional is
 * refused as soon as the home is known to be away, so that nothing waits behind it.
 */

import { freePort } from '@minivault/free-port'
import t from 'tap'
import { ask, SUCCESS } from './support/http-client.ts'
import { until } from './support/large-transfers.ts'
import { startServer, temporaryFolder } from './support/server.ts'

const LOOKS = [30_000, 50] as const
const HERE = ['-host', '127.0.0.1']
const VALUE = '{"value": "x"}'

t.test('the home is away, and comes back', async (t) => {
  const port = await freePort()
  const data = temporaryFolder(t)
  await startServer(t, ['-mode', 'master', '-port', `${port}`, ...HERE, '-data', data, '-founders', '2'])
  const own = new Map([
    ['eu', { port: await freePort(), folder: temporaryFolder(t) }],
    ['us', { port: await freePort(), folder: temporaryFolder(t) }],
  ])
  const start = (region: string) => {
    const { port: at, folder } = own.get(region)!
    const words = ['-port', `${at}`, '-public-url', `localhost:${at}`, '-region', region, '-data', folder]
    return startServer(t, [...words, '-master', `http://localhost:${port}`, ...HERE])
  }
  const [eu, us] = await Promise.all([start('eu'), start('us')])
  const { home } = JSON.parse((await ask(eu, 'GET', '/-/admin/layout')).body)
  const [there, here] = home === 'eu' ? [eu, us] : [us, eu]
  t.equal((await ask(here, 'POST', '/first', VALUE)).status, 201, 'decided in the other region')

  there.child.kill('SIGKILL')
  await there.ended
  const isMissed = async () => JSON.parse((await ask(here, 'GET', '/health')).body).members_away !== ''
  t.ok(await until(isMissed, ...LOOKS))
  t.ok(
    await until(
      async () => {
        const { status, body } = await ask(here, 'POST', '/second', VALUE)
        const { code, error } = JSON.parse(body)
        return status === 503 && code === 'NO_QUORUM' && /^the home region is away/.test(error)
      },
      ...LOOKS,
    ),
  )
  t.match(await ask(here, 'POST', '/second', VALUE, { 'Minivault-Consistency': 'one' }), { status: 503 })
  t.equal((await ask(here, 'PUT', '/third', VALUE)).body, SUCCESS, 'what is plain goes on')
  t.equal((await ask(here, 'DELETE', '/third')).body, SUCCESS)
  t.equal((await ask(here, 'GET', '/first')).status, 200)

  await start(home)
  const isTaken = async () => (await ask(here, 'POST', '/second', VALUE)).status === 201
  t.ok(await until(isTaken, ...LOOKS), 'nothing was done by those that were refused')
})
