export {
  BatchOperation,
  type BatchWrite,
  decodeBatch,
  decodeVersions,
  encodeBatch,
  encodeVersions,
} from './batch.ts'
export {
  DOCUMENTED_HEAD_BYTES,
  DOCUMENTED_REPLY_HEAD_BYTES,
  DOCUMENTED_STATUS,
  DOCUMENTED_VALUE_HEAD_BYTES,
  DocumentedReply,
  DocumentedRequest,
  type DocumentedStatus,
  decodeDocumented,
  decodeDocumentedReply,
  documentedReplyHeader,
  documentedSetHeader,
  encodeDocumentedReply,
  encodeDocumentedRequest,
  encodeDocumentedSet,
  OPCODE,
  type Opcode,
} from './documented-form.ts'
export {
  ERROR,
  ERROR_KINDS,
  type ErrorKind,
  type ErrorName,
  type ErrorNumber,
  errorKind,
  isErrorName,
  OUTCOME,
  type Outcome,
  ProtocolError,
} from './errors.ts'
export {
  CONSISTENCY,
  type Consistency,
  DURABILITY_OF_SERVER,
  FRAME_FLAG,
  FRAME_OPCODE,
  FRAME_REPLY_HEAD_BYTES,
  FRAME_REQUEST_HEAD_BYTES,
  type FrameOpcode,
  flagsFit,
  PROTOCOL_VERSION,
} from './frame-form.ts'
export { decodeFrameReply, FrameReply, frameReplyHeader } from './frame-reply.ts'
export { decodeFrameRequest, encodeFrameRequest, FrameRequest, frameRequestBytes } from './frame-request.ts'
export {
  authProof,
  CAPABILITIES_OF_ALL,
  CAPABILITY,
  decodeHello,
  decodeHelloReply,
  encodeHello,
  encodeHelloReply,
  type Hello,
  type HelloReply,
  isAuthProof,
  NONCE_BYTES,
} from './hello.ts'
export { escapeRawControls, findValueText, isJsonText, JsonSpan } from './json-text.ts'
export {
  BATCH_BYTES_MAX,
  BATCH_OPERATIONS_MAX,
  CHUNK_BYTES,
  FRAME_BYTES_MAX,
  HELLO_BYTES_MAX,
  JSON_DEPTH_MAX,
  KEY_BYTES_MAX,
  LENGTH_CLAMP,
  MEMBER_NAME_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  PEER_BATCH_BYTES_MAX,
  RESP_ARGUMENTS_MAX,
  RESP_INLINE_BYTES_MAX,
  RESP_REQUEST_BYTES_MAX,
  RESP_STRANGER_ARGUMENTS_MAX,
  SCAN_ENTRIES_DEFAULT,
  SCAN_ENTRIES_MAX,
  UNAUTHENTICATED_BYTES_MAX,
  VALUE_BYTES_MAX,
} from './limits.ts'
export { readI64, readLength, readU48, writeI64, writeU32, writeU48 } from './little-endian.ts'
export { encodeRespRequest, InlineRequest } from './resp/inline-request.ts'
export { RESP_FAILED, RespRequest } from './resp/resp-request.ts'
export {
  RESP_LENGTH_BYTES_MAX,
  type RespMap,
  type RespTarget,
  type RespValue,
  type RespVersion,
  writeRespLength,
  writeRespValue,
} from './resp/resp-value.ts'
export {
  decodeScanPage,
  SCAN_PAGE_BYTES_MAX,
  SCAN_PAGE_HEAD_BYTES,
  ScanPageEntry,
  ScanPageWriter,
} from './scan-page.ts'
export { decodeScanRequest, encodeScanRequest, ScanRequest, type ScanWanted } from './scan-request.ts'
