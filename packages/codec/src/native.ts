/**
 * The one place where packages with native code are loaded: on first use and synchronously, so that importing
 * this package costs next to nothing and a missing optional one costs nothing but its speed.
 */
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** What a package exports, or undefined where it is not installed or does not load on this machine. */
export function load<T>(name: string): T | undefined {
  try {
    return require(name) as T
  } catch {
    return undefined
  }
}
