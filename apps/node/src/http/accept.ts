/**
 * Which representation of a value a client takes: its bytes where `Accept` names `application/octet-stream`
 * and does not give JSON more weight, else JSON. Never 406: who asks for something else gets JSON.
 */
import { JSON_TYPE, RAW_TYPE } from './reply-head.ts'

/** @param accept the header, undefined where there is none */
export function wantsRaw(accept: string | undefined): boolean {
  if (accept === undefined || accept === '*/*') return false
  let raw = -1
  // The most specific range that covers JSON says its weight.
  let json = 0
  let specificity = 0
  for (const part of accept.toLowerCase().split(',')) {
    const [range = '', ...parameters] = part.split(';').map((text) => text.trim())
    const weight = weightOf(parameters)
    if (range === RAW_TYPE) raw = Math.max(raw, weight)
    const covers = range === JSON_TYPE ? 3 : range === 'application/*' ? 2 : range === '*/*' ? 1 : 0
    if (covers === 0 || covers < specificity) continue
    json = weight
    specificity = covers
  }
  return raw > 0 && raw >= json
}

/** From 0 to 1; one that cannot be read counts as 1. */
function weightOf(parameters: readonly string[]): number {
  const text = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
  return text !== undefined && /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(text) ? Number(text) : 1
}

/** Whether a body is the value itself, by its `Content-Type`. */
export function isRaw(contentType: string | undefined): boolean {
  if (contentType === undefined) return false
  return (contentType.split(';', 1)[0] as string).trim().toLowerCase() === RAW_TYPE
}
