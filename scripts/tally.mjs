// Adds up what a turbo run said: tap's assertions per package, one more for each check or build.
//
// tap ends its output with a line such as `# { total: 4, pass: 2, fail: 1, skip: 1 }`. A task that ended
// badly without any counted failure (a crash, a time-out, a build that broke) still counts as one failure,
// and so does a task that never ran because one it needs had failed. Nothing that is red may add up to `0
// failed`.

/** The counts of one tap log; the last summary line is the whole run's. */
export function tapCounts(text) {
  const summaries = text.match(/^.*# \{ total: .*\}/gm)
  if (summaries === null) return { passed: 0, failed: 0, found: false }
  const line = summaries.at(-1)
  const count = (name) => Number(line.match(new RegExp(`\\b${name}: (\\d+)`))?.[1] ?? 0)
  return { passed: count('pass'), failed: count('fail'), found: true }
}

/**
 * `tasks`: `{ name, isTest, exitCode (undefined: never ran), cached, log }`. Returns one row each, and the
 * sums.
 */
export function tally(tasks) {
  const rows = tasks.map((task) => {
    const ok = task.exitCode === 0
    if (!task.isTest) return { name: task.name, passed: ok ? 1 : 0, failed: ok ? 0 : 1, cached: task.cached }
    const counts = task.exitCode === undefined ? { passed: 0, failed: 0, found: false } : tapCounts(task.log)
    const silent = !ok && counts.failed === 0 ? 1 : 0
    const empty = ok && !counts.found ? 1 : 0
    return {
      name: task.name,
      passed: counts.passed,
      failed: counts.failed + silent + empty,
      cached: task.cached,
    }
  })
  const sum = (field) => rows.reduce((total, row) => total + row[field], 0)
  return { rows, passed: sum('passed'), failed: sum('failed') }
}

/**
 * What a person wants to see of a failing task's log: no cursor movements, no progress counters, not endless.
 */
export function readableLog(text, lineCountMax = 200) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: removing terminal escapes is the point
  const plain = text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '')
  const lines = plain.split('\n').filter((line) => !/^(Asserts|Suites):/.test(line))
  const packed = lines.filter((line, index) => line.trim() !== '' || lines[index - 1]?.trim() !== '')
  if (packed.length <= lineCountMax) return packed.join('\n')
  return [`… ${packed.length - lineCountMax} lines before`, ...packed.slice(-lineCountMax)].join('\n')
}

/** Test files that failed before their first assertion: tap's reporter keeps to itself what they said. */
export function silentFiles(text) {
  return [...readableLog(text, Number.POSITIVE_INFINITY).matchAll(/^ FAIL {2}(test\/\S+) 0 /gm)].map(
    ([, file]) => file,
  )
}

export function closingLine({ passed, failed }) {
  return `${passed} passed, ${failed} failed`
}
