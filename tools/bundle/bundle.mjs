// Makes one file of an app: apps/X/src/main.ts and all it imports, into apps/X/dist/main.cjs.
//
// One file starts in half the time that a tree of modules takes, and needs no build of the libraries: their
// sources are taken directly through the `minivault:source` condition. Packages with native parts stay
// outside, because their binaries cannot be moved; the app names them among its dependencies. What went in is
// remembered (content hashes in .cache/), so that an unchanged app is not built again.
//
// The bundler must leave `const` as it is. One that turns it into `var`, as esbuild does, costs a request
// a tenth of its CPU: what is in a variable cannot be compiled into the code.
//
// The file is a CommonJS one: an ES module that imports a part of Node waits until every export of that part
// has been made (all of WebCrypto, for one hash), which is a tenth of a start. Load it with `require`: what
// `import` does to find its names takes Node 20 as long as the start itself.
//
//   node ../../tools/bundle/bundle.mjs        in the folder of an app, or with the folder as argument

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

export const NATIVE_PACKAGES = ['lz4-napi', 'xxhash-addon', 'zstd-napi']

// Of yargs the apps use the parser. What lays out its help texts would come along, and make an
// `Intl.Segmenter` at every start, were it not said that only what is used of these modules counts.
const ONLY_WHAT_IS_USED = /[\\/]node_modules[\\/]yargs[\\/]/

/** Builds the app in `directory` unless nothing has changed. Returns `{ built, bytes }`. */
export async function bundle(directory) {
  const output = join(directory, 'dist', 'main.cjs')
  const stampPath = join(ROOT, '.cache', `bundle-${basename(directory)}.json`)
  if (existsSync(output) && isUnchanged(stampPath)) return { built: false, bytes: statSync(output).size }

  const result = await writeBundle(join(directory, 'src', 'main.ts'), output)
  // Of packages from the registry only the lockfile can change; our own sources are hashed one by one.
  const modules = result.output[0].moduleIds.filter((path) => path.startsWith(ROOT))
  const sources = modules
    .filter((path) => !path.includes('node_modules/'))
    .map((path) => relative(ROOT, path))
  const inputs = [...sources, 'pnpm-lock.yaml', relative(ROOT, fileURLToPath(import.meta.url))]
  mkdirSync(dirname(stampPath), { recursive: true })
  const hashes = Object.fromEntries(inputs.map((path) => [path, hashOf(join(ROOT, path))]))
  writeFileSync(stampPath, JSON.stringify({ output: hashOf(output), hashes }))
  return { built: true, bytes: statSync(output).size }

  function isUnchanged(path) {
    try {
      const stamp = JSON.parse(readFileSync(path, 'utf8'))
      if (stamp.output !== hashOf(output)) return false
      return Object.entries(stamp.hashes).every(([input, hash]) => hashOf(join(ROOT, input)) === hash)
    } catch {
      return false
    }
  }
}

/** One file of `input` and all it imports; rolldown's result. */
export async function writeBundle(input, output) {
  const { build } = await import('rolldown')
  return await build({
    cwd: ROOT,
    input,
    platform: 'node',
    external: NATIVE_PACKAGES,
    treeshake: { moduleSideEffects: [{ test: ONLY_WHAT_IS_USED, sideEffects: false }] },
    resolve: { conditionNames: ['minivault:source', 'node', 'import', 'default'] },
    output: {
      file: output,
      format: 'cjs',
      // Of itself only an ES module is strict, and ours all are.
      banner: "'use strict';",
      codeSplitting: false,
      comments: { legal: false },
      // Names stay as they are, for profiles and stacks.
      minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
    },
    logLevel: 'warn',
  })
}

function hashOf(path) {
  return createHash('sha1').update(readFileSync(path)).digest('hex')
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const directory = resolve(process.argv[2] ?? '.')
  const result = await bundle(directory)
  console.log(
    `${relative(ROOT, directory)}/dist/main.cjs: ${result.bytes} bytes${result.built ? '' : ', unchanged'}`,
  )
}
