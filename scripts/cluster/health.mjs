// Asks a node every second how it is, and shows it on the board.

const EVERY_MS = 1_000
/** Nodes that wait for each other for so long are no news. */
const START_MS = 4_000

export function watchHealth(program, board) {
  const { name, port } = program
  const started = performance.now()
  let isReady = false
  void program.ready.then((ms) => {
    isReady = true
    board.show(name, `ready after ${(ms / 1000).toFixed(1)} s (pid ${program.pid})`)
  })
  const timer = setInterval(look, EVERY_MS)
  void program.ended.then(() => clearInterval(timer))

  async function look() {
    const health = await ask(port)
    // What does not answer yet, or speaks TLS, says on its standard output how it is.
    if (health === null) return
    const { status, waiting, error } = health
    if (status === 'ok' && isReady) board.figures(name, figures(health, program.pid))
    else if (isReady || performance.now() - started > START_MS)
      board.show(name, `${status}${why(waiting ?? error)}`)
  }
}

async function ask(port) {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(EVERY_MS) })
    return await answer.json()
  } catch {
    return null
  }
}

function why(text) {
  return text === undefined ? '' : `: ${text}`
}

function figures({ keys, storage_size_mb: disk, memory_mb: memory }, pid) {
  const known = [
    keys === undefined ? [] : `${keys} keys`,
    disk === undefined ? [] : `${disk.toFixed(1)} MB disk`,
    memory === undefined ? [] : `${memory.toFixed(0)} MB memory`,
  ]
  return ['ready', ...known.flat(), `pid ${pid}`].join(' · ')
}
