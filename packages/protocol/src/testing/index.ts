export { bodiesOf, bodyDifference } from './bodies.ts'
export { readBatch, readScanPage, readScanRequest } from './body-reader.ts'
export { type Decoder, decodersOf, FORM_NAMES, type FormName, type Message, messageOf } from './decoders.ts'
export {
  type Reading,
  readDocumented,
  readDocumentedReply,
  readFrameReply,
  readFrameRequest,
} from './message-reader.ts'
export { MUTATION_KINDS, type Mutation, mutated } from './mutation.ts'
export { type RespStream, readRespRequests } from './resp-reader.ts'
export { type ReadReply, readRespReplies } from './resp-reply-reader.ts'
export { splitDifference } from './split-difference.ts'
export { readStream, type Stream } from './stream-reader.ts'
export { validMessage } from './valid-message.ts'
