// What npm does to the signals of the programs it runs, put right. At Ctrl+C the terminal signals every
// process, and npm then passes the signal on once more: a program that takes a second one for an impatient
// user would end at once, so repeats within a moment are dropped. SIGTERM npm passes to its shell, which ends
// without passing it on; losing that parent means the same to us.

const REPEATED_SIGNAL_MS = 400
const PARENT_CHECK_MS = 250

/** `script` is the name in package.json under which npm runs us. */
export function mendSignals(script) {
  dropRepeatedSignals()
  stopWithNpm(script)
}

function dropRepeatedSignals() {
  const emit = process.emit
  const lastMs = { SIGINT: -Infinity, SIGTERM: -Infinity }
  process.emit = function (name, ...rest) {
    if (name in lastMs) {
      const nowMs = performance.now()
      const repeated = nowMs - lastMs[name] < REPEATED_SIGNAL_MS
      lastMs[name] = nowMs
      if (repeated) return true
    }
    return emit.call(this, name, ...rest)
  }
}

function stopWithNpm(script) {
  if (process.env.npm_lifecycle_event !== script || process.platform === 'win32') return
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    process.kill(process.pid, 'SIGTERM')
  }, PARENT_CHECK_MS)
  watch.unref()
}
