/** A client of several nodes that ends with its test; without hedged reads, unless it is told. */
import type { Test } from 'tap'
import { Client, type ClientOptions } from '../../src/index.ts'

export function open(t: Test, url: string, options: ClientOptions = {}): Client {
  const client = Client.open({ url, timeoutMs: 5_000, hedgeShare: 0, ...options })
  t.teardown(() => client.close())
  return client
}
