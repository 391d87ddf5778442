/**
 * Vectors: bytes in hex, their meaning behind `#`. A vector is one frame or several, one behind the other.
 */
import { readdirSync, readFileSync } from 'node:fs'

const FOLDER = new URL('../vectors/', import.meta.url)

export function vectorNames(prefix: string): string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.startsWith(prefix) && file.endsWith('.hex'))
    .map((file) => file.slice(0, -4))
}

export function vector(name: string): Uint8Array {
  const text = readFileSync(new URL(`${name}.hex`, FOLDER), 'utf8')
  const hex = text.replaceAll(/#.*/g, '').replaceAll(/\s/g, '')
  return new Uint8Array(Buffer.from(hex, 'hex'))
}
