// One set-up at a time: a quick start of three nodes begins three of them in one moment. The lock is a file
// with the process id of whoever holds it; one that a killed process left behind is taken over.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CACHE, say } from './step.mjs'

const LOCK = join(CACHE, 'set-up.lock')
const LOOK_AGAIN_MS = 100

/** Runs `work` while no other set-up runs. */
export async function alone(work) {
  let told = false
  while (!take()) {
    if (!told) say('waiting for another set-up …')
    told = true
    await sleep(LOOK_AGAIN_MS)
  }
  const free = () => rmSync(LOCK, { force: true })
  process.on('exit', free)
  try {
    return await work()
  } finally {
    process.off('exit', free)
    free()
  }
}

function take() {
  mkdirSync(CACHE, { recursive: true })
  try {
    writeFileSync(LOCK, `${process.pid}`, { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  if (!isLeftBehind()) return false
  rmSync(LOCK, { force: true })
  return take()
}

function isLeftBehind() {
  try {
    const pid = Number(readFileSync(LOCK, 'utf8'))
    // Just made, and nothing in it yet.
    if (pid === 0) return false
    process.kill(pid, 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}
