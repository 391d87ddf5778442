// Makes one file for browsers of an entry and all it imports: an ES module that imports nothing, so that a
// page may take it as it is, and every bundler too. What of our packages needs Node must have fallen out of
// it: otherwise it is an error.
//
//   node ../../tools/bundle/browser.mjs src/browser/index.ts dist/browser.js     in the folder of a package

import { statSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'

/** The bytes of `output`, and those of it compressed. */
async function bundleForBrowsers(input, output) {
  const { build } = await import('rolldown')
  const result = await build({
    input,
    platform: 'browser',
    external: /^node:/,
    treeshake: { moduleSideEffects: false },
    resolve: { conditionNames: ['minivault:source', 'browser', 'import', 'default'] },
    output: {
      file: output,
      format: 'esm',
      codeSplitting: false,
      comments: { legal: false },
      minify: true,
    },
    logLevel: 'warn',
  })
  const [{ code }] = result.output
  const needed = /["'`]node:\w+|\bBuffer\b|\bprocess\.|\bimport\b/.exec(code)?.[0]
  if (needed !== undefined) throw new Error(`${output} is not for browsers: ${needed} stands in it`)
  return { bytes: statSync(output).size, compressedBytes: gzipSync(code).length }
}

const [input, output] = process.argv.slice(2).map((path) => resolve(path))
const { bytes, compressedBytes } = await bundleForBrowsers(input, output)
console.log(`${relative('.', output)}: ${bytes} bytes, ${compressedBytes} by gzip`)
