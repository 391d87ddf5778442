// How the nodes are, a line for each. At a terminal the lines stay where they are and are painted anew; else
// a line is printed when the state of a node has changed (figures alone are no change).

export class Board {
  #rows
  #isLive
  #isPainted = false
  #isEnded = false
  /** Lines that were said below. */
  #below = 0
  #output

  constructor(nodes, output = process.stdout) {
    this.#output = output
    this.#isLive = output.isTTY === true
    const width = Math.max(...nodes.map(({ name }) => name.length))
    const urlWidth = Math.max(...nodes.map(({ url }) => url.length))
    this.#rows = new Map(
      nodes.map(({ name, url }) => [
        name,
        { head: `  ${name.padEnd(width)}  ${url.padEnd(urlWidth)}  `, state: 'starting', figures: '' },
      ]),
    )
    if (this.#isLive) this.#paint()
  }

  show(name, state) {
    const row = this.#rows.get(name)
    if (row.state === state) return
    row.state = state
    row.figures = ''
    if (this.#isLive) this.#paint()
    else this.#output.write(`${row.head}${state}\n`)
  }

  /** Of one that is well; instead of its state, until that changes. */
  figures(name, figures) {
    const row = this.#rows.get(name)
    if (row.figures === figures || !this.#isLive) return
    row.figures = figures
    this.#paint()
  }

  /** Lines for good, below the others, which stay alive above them. */
  say(text) {
    this.#below += text.split('\n').length
    this.#output.write(`${text}\n`)
  }

  /** Nothing is painted any more: what follows belongs to others. */
  end() {
    this.#isEnded = true
  }

  #paint() {
    if (this.#isEnded) return
    if (this.#isPainted) this.#output.write(`\x1b[${this.#rows.size + this.#below}A`)
    this.#isPainted = true
    for (const { head, state, figures } of this.#rows.values()) {
      const line = `${head}${figures === '' ? state : figures}`
      // A line that wraps would be two.
      this.#output.write(`\x1b[2K${line.slice(0, (this.#output.columns || 80) - 1)}\n`)
    }
    if (this.#below > 0) this.#output.write(`\x1b[${this.#below}B`)
  }
}
