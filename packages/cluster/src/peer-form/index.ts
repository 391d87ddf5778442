export {
  BATCH,
  BATCH_VERSION,
  type BatchFacts,
  BatchHeader,
  HEADER_ERROR,
  HeaderWriter,
} from './batch-header.ts'
export type { KeyForm, PeerForms, ValueForm } from './forms.ts'
export { MESSAGE_BYTES_MAX } from './limits.ts'
export {
  encodeList,
  type KeyList,
  type ListEntry,
  type ListMessage,
  type ListQuestion,
  readList,
} from './list-form.ts'
export { MALFORMED, MessageReader, readMessages } from './message-reader.ts'
export { MessageWriter } from './message-writer.ts'
export { encodeStart, readStarts } from './start-form.ts'
