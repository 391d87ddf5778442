export type { Address } from './address.ts'
export {
  type CallOptions,
  Client,
  type ClientOptions,
  type Entry,
  type Health,
  type SetOptions,
  type SetResult,
} from './client.ts'
export { type ClientCode, ClientError } from './client-error.ts'
export type { ProtocolChoice } from './handshake.ts'
export type { Time } from './node-time.ts'
export { JsonView, TextView } from './views.ts'
