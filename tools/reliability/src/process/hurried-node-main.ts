/**
 * A real node whose time runs faster: what its deadlines count goes by in a fraction of the seconds. For the
 * short profile; the others wait the real time. Takes the node's entry, a folder and the factor.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type * as NodePackage from '@minivault/node'

const [entry, directory, factor] = process.argv.slice(2)
const hurry = Number(factor)
const began = Date.now()
const { startNode } = (await import(pathToFileURL(entry!).href)) as typeof NodePackage

const node = await startNode({
  port: 0,
  host: '127.0.0.1',
  directory: directory!,
  durability: 0,
  time: {
    now: () => began + (Date.now() - began) * hurry,
    elapsedMs: () => performance.now() * hurry,
    every: (ms, run) => setInterval(run, ms / hurry),
    cancel: (handle) => clearInterval(handle as NodeJS.Timeout),
    sleep: (ms) => sleep(ms / hurry),
    afterPoll: (run) => void setImmediate(run),
  },
})
process.stdout.write(`minivault ready: hurried on 127.0.0.1:${node.port} \n`)
