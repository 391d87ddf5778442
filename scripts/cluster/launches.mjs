// What is started for a set of options: for each node its name, port, words and environment.

import { join } from 'node:path'

/** The master first: it is the first to be started, and the last to be stopped. */
export function launchesOf({ masterPort, volumePorts, directory, auth }, masterFolder) {
  const environment = nodeEnvironment(auth)
  const host = environment.MINIVAULT_HOST
  const launch = (name, port, flag, words) => {
    const all = ['-port', `${port}`, ...words]
    return { name, port, flag, host, url: `http://localhost:${port}`, words: all, environment }
  }
  const master = `http://localhost:${masterPort}`
  return [
    launch('master', masterPort, '--master-port', [
      ...['-mode', 'master', '-data', join(directory, masterFolder)],
      // A new cluster begins the moment all of them are there.
      ...['-founders', `${volumePorts.length}`],
    ]),
    ...volumePorts.map((port) => {
      const name = `volume-${port}`
      const words = ['-public-url', `localhost:${port}`, '-master', master, '-data', join(directory, name)]
      return launch(name, port, '--volume-ports', words)
    }),
  ]
}

/** The key goes through the environment: a process list shows command lines. */
function nodeEnvironment(auth) {
  const { CLUSTER_NODES: _, ...environment } = process.env
  environment.MINIVAULT_HOST ||= '127.0.0.1'
  if (auth !== '') environment.MINIVAULT_AUTH = auth
  return environment
}
