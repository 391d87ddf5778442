/** What the master answers by HTTP: JSON, and every error in the form that nodes give it. */
import type { ServerResponse } from 'node:http'
import { ERROR, type ErrorNumber, errorKind } from '@minivault/protocol'

export function giveJson(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value))
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
  })
  response.end(body)
}

/** @param words in one line, for whoever asked */
export function refuse(response: ServerResponse, error: ErrorNumber, words: string): void {
  const { name, httpStatus } = errorKind(error)
  if (error === ERROR.UNAUTHORIZED) response.setHeader('WWW-Authenticate', 'Bearer')
  giveJson(response, httpStatus, { success: false, error: words, code: name })
}
