// One data folder may see several clusters, started one after the other with other ports. A cluster is known
// by its volumes: what shares one with an earlier cluster is that cluster (fewer volumes, or more of them),
// anything else is a new one and gets a master's folder of its own beside the first. clusters.json keeps
// which folder is whose:
//
//   { "master": [3001, 3002, 3003], "master-4000": [4000, 4001] }

import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StepError } from '../setup/step.mjs'

/** The name of the master's folder in `directory`, which is there, for the cluster of these volumes. */
export function masterFolder(directory, volumePorts) {
  const path = join(directory, 'clusters.json')
  const clusters = readClusters(path)
  const overlaps = Object.entries(clusters).filter(([, ports]) =>
    ports.some((port) => volumePorts.includes(port)),
  )
  if (overlaps.length > 1) {
    const known = overlaps.map(([, ports]) => ports.join(',')).join(' and ')
    throw new StepError(
      `--volume-ports: in ${directory} ${known} are different clusters; choose one, or another --data-dir`,
    )
  }
  const name = overlaps[0]?.[0] ?? (clusters.master === undefined ? 'master' : `master-${volumePorts[0]}`)
  const known = clusters[name] ?? []
  clusters[name] = [...new Set([...known, ...volumePorts])].sort((a, b) => a - b)
  writeFileSync(`${path}.new`, `${JSON.stringify(clusters)}\n`)
  renameSync(`${path}.new`, path)
  return { name, absent: known.filter((port) => !volumePorts.includes(port)) }
}

function readClusters(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT') return {}
    throw new StepError(`${path} cannot be read (${error.message}); remove it to begin new clusters`)
  }
}
