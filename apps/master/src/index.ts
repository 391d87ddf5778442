export { type CallSecurity, callJson, errorIn, type JsonCall, type JsonReply } from './json-call.ts'
export type { MasterLogger } from './logger.ts'
export { Master, type MasterOptions, startMaster } from './master.ts'
export {
  type Founding,
  type MasterReply,
  MessageError,
  readReply,
  type WorkerReport,
  type WorkerState,
} from './messages.ts'
export { runMaster } from './program.ts'
export { RegistryError } from './registry/store-registry.ts'
