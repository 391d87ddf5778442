/**
 * The master's HTTP: registration and the operator's questions under `/-/admin`, which need the key where
 * there is one, and three that do not, for supervisors. docs/MASTER.md lists them.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ERROR } from '@minivault/protocol'
import { LAYOUT_TARGET, type Members, NobodyError, SETTLE_TARGET } from '../layout/members.ts'
import type { MasterLogger } from '../logger.ts'
import { MessageError, readReport } from '../messages.ts'
import type { Enrolment } from '../workers/enrolment.ts'
import { BodyError, jsonBodyOf } from './json-body.ts'
import { giveJson, refuse } from './replies.ts'

export interface AdminDoorParts {
  readonly enrolment: Enrolment
  readonly members: Members
  readonly authKey: string | null
  readonly health: () => object
  readonly workers: () => object[]
  readonly isDraining: () => boolean
  readonly logger: MasterLogger
}

export const WORKERS_TARGET = '/-/admin/workers'

type Route = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>

export class AdminDoor {
  readonly #parts: AdminDoorParts
  readonly #open: ReadonlyMap<string, Readonly<Record<string, Route>>>
  readonly #guarded: ReadonlyMap<string, Readonly<Record<string, Route>>>

  constructor(parts: AdminDoorParts) {
    this.#parts = parts
    this.#open = new Map([
      ['/health', { GET: (_, response) => giveJson(response, 200, parts.health()) }],
      ['/-/livez', { GET: (_, response) => giveJson(response, 200, { success: true }) }],
      ['/-/readyz', { GET: (_, response) => this.#giveReadiness(response) }],
    ])
    this.#guarded = new Map<string, Readonly<Record<string, Route>>>([
      [
        WORKERS_TARGET,
        {
          GET: (_, response) => giveJson(response, 200, { success: true, workers: parts.workers() }),
          POST: (request, response) => this.#enrol(request, response),
        },
      ],
      [
        LAYOUT_TARGET,
        {
          GET: (_, response) => this.#pass(response, LAYOUT_TARGET, undefined),
          POST: async (request, response) => this.#pass(response, LAYOUT_TARGET, await jsonBodyOf(request)),
        },
      ],
      [SETTLE_TARGET, { POST: (_, response) => this.#pass(response, SETTLE_TARGET, {}) }],
    ])
  }

  readonly serve = (request: IncomingMessage, response: ServerResponse): void => {
    const [path = ''] = (request.url ?? '').split('?', 1)
    const isGuarded = path.startsWith('/-/admin')
    if (isGuarded && !this.#isProved(request)) {
      return refuse(response, ERROR.UNAUTHORIZED, 'this master asks for its key: give the cluster one -auth')
    }
    const routes = (isGuarded ? this.#guarded : this.#open).get(path)
    if (routes === undefined) {
      return refuse(
        response,
        ERROR.NOT_FOUND,
        `${path} is not served: this is a master, keys are at the workers`,
      )
    }
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '')
    const route = Object.hasOwn(routes, method) ? routes[method] : undefined
    if (route === undefined) {
      response.setHeader('Allow', Object.keys(routes).join(', '))
      return refuse(response, ERROR.METHOD_NOT_ALLOWED, `${path} takes ${Object.keys(routes).join(', ')}`)
    }
    Promise.resolve(route(request, response)).catch((error: Error) => this.#fail(response, error))
  }

  #isProved({ headers }: IncomingMessage): boolean {
    const { authKey } = this.#parts
    if (authKey === null) return true
    const shown = /^Bearer +(.*)$/i.exec(headers.authorization ?? '')
    return (
      shown !== null &&
      timingSafeEqual(digest(Buffer.from(shown[1]!, 'latin1')), digest(Buffer.from(authKey)))
    )
  }

  #giveReadiness(response: ServerResponse): void {
    if (this.#parts.isDraining()) refuse(response, ERROR.SHUTTING_DOWN, 'the master is stopping')
    else giveJson(response, 200, { success: true })
  }

  async #enrol(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = await this.#parts.enrolment.take(readReport(await jsonBodyOf(request)))
    const isRefused = reply.state === 'refused'
    giveJson(response, isRefused ? 409 : 200, { success: !isRefused, ...reply })
  }

  async #pass(response: ServerResponse, path: string, body: unknown): Promise<void> {
    const reply = await this.#parts.members.ask(path, body)
    giveJson(response, reply.status, reply.value ?? null)
  }

  #fail(response: ServerResponse, error: Error): void {
    if (response.destroyed || response.headersSent) return
    if (error instanceof BodyError || error instanceof MessageError) {
      refuse(response, ERROR.BAD_REQUEST, error.message)
    } else if (error instanceof NobodyError) refuse(response, ERROR.NO_QUORUM, error.message)
    else {
      this.#parts.logger.error({ error: error.stack }, `a request failed: ${error.message}`)
      refuse(response, ERROR.INTERNAL, error.message)
    }
  }
}

function digest(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}
