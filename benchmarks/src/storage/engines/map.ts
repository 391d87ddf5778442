/**
 * A `Map` that keeps and gives copies: no durability at all, and no disk. The floor of what can be hoped for.
 */
import type { Engine } from './engine.ts'

export async function openMap(): Promise<Engine<string>> {
  const map = new Map<string, Buffer>()
  const setAll = (keys: readonly string[], values: readonly Buffer[]) => {
    for (let at = 0; at < keys.length; at++) map.set(keys[at]!, Buffer.from(values[at]!))
    return undefined
  }
  const copy = (key: string) => {
    const value = map.get(key)
    return value === undefined ? undefined : Buffer.from(value)
  }
  return {
    key: (bytes) => bytes.toString('latin1'),
    set: (key, value) => {
      map.set(key, Buffer.from(value))
      return undefined
    },
    flush: () => undefined,
    load: setAll,
    view: (key) => map.get(key),
    copy,
    batch: setAll,
    close: async () => map.clear(),
  }
}
