/**
 * Assembles src/crc32.wat and writes the bytes as base64 to src/crc32-module.ts, which is committed, so that
 * neither building nor using the package needs an assembler. A test checks that the two belong together.
 *
 *     node --import=tsx packages/wal/bench/assemble.ts
 */
import { readFileSync, writeFileSync } from 'node:fs'
import wabt from 'wabt'

export async function assemble(): Promise<Uint8Array> {
  const { parseWat } = await wabt()
  const source = readFileSync(new URL('../src/crc32.wat', import.meta.url), 'utf8')
  const parsed = parseWat('crc32.wat', source)
  parsed.validate()
  return parsed.toBinary({}).buffer
}

if (process.argv[1]?.endsWith('assemble.ts')) {
  const lines = Buffer.from(await assemble())
    .toString('base64')
    .match(/.{1,100}/g)!
  const text = `/** The bytes of crc32.wat, made by bench/assemble.ts: a test assembles them again. */
export const CRC32_MODULE = [
${lines.map((line) => `  '${line}',`).join('\n')}
].join('')
`
  writeFileSync(new URL('../src/crc32-module.ts', import.meta.url), text)
}
