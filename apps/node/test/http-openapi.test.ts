/**
 * docs/openapi.yaml: it is a valid document, its examples fit its schemas, and its exchanges are what a node
 * says, word by word; everything a node says in them is described.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { ask, type HttpAnswer } from './support/http-client.ts'
import { startServer } from './support/server.ts'

interface MediaType {
  schema: object
  examples?: Record<string, { value: unknown }>
}
interface Response {
  headers?: Record<string, object>
  content?: Record<string, MediaType>
}
interface Operation {
  operationId: string
  requestBody?: { content: Record<string, MediaType> }
  responses: Record<string, Response>
}
interface Exchange {
  about?: string
  operation: string
  request: { target: string; headers?: Record<string, string>; body?: string }
  reply: { status: number; headers?: Record<string, string | null>; body?: string }
  remember?: string
}

const text = readFileSync(join(import.meta.dirname, '../../../docs/openapi.yaml'), 'utf8')
const document = parse(text)
const exchanges: Exchange[] = document['x-exchanges']
/** What cannot be brought about on an idle node with room, or is another test's affair. */
const UNSHOWN = new Set(['401', '413', '414', '429', '500', '503', '504', '507'])
const METHODS = ['get', 'head', 'put', 'post', 'delete']

/** Behind `$ref`, as deep as a response needs it. */
function resolved<T>(node: T): T {
  const reference = (node as { $ref?: string }).$ref
  if (reference === undefined) return node
  return resolved(
    reference
      .slice(2)
      .split('/')
      .reduce((at, name) => at[name], document),
  )
}

const operations = new Map<string, { method: string; path: string; operation: Operation }>()
for (const [path, item] of Object.entries<Record<string, Operation>>(document.paths)) {
  for (const method of METHODS) {
    const operation = item[method]
    if (operation !== undefined)
      operations.set(operation.operationId, { method: method.toUpperCase(), path, operation })
  }
}

const ajv = new Ajv2020({ strict: false, allErrors: true })
ajv.addSchema({ $id: 'file:///openapi', components: document.components })

function fits(t: Test, schema: object, value: unknown, about: string): void {
  const absolute = JSON.parse(
    JSON.stringify(schema).replaceAll('"#/components', '"file:///openapi#/components'),
  )
  const isValid = ajv.validate(absolute, value)
  t.ok(isValid, `${about}${isValid ? '' : `: ${ajv.errorsText()}`}`)
}

t.test('the document is valid', async (t) => {
  const { valid, errors } = await new Validator().validate(text)
  t.ok(valid, JSON.stringify(errors))
  const broken = await new Validator().validate(text.replace('operationId: putValue', 'operationId: 7'))
  t.notOk(broken.valid, 'what is not, is told')
})

t.test('its examples fit its schemas', async (t) => {
  for (const [name, schema] of Object.entries<{ examples?: unknown[] }>(document.components.schemas)) {
    for (const example of schema.examples ?? []) fits(t, schema, example, name)
  }
  const { content } = document.components.requestBodies.value as { content: Record<string, MediaType> }
  for (const [type, { schema, examples = {} }] of Object.entries(content)) {
    for (const [name, { value }] of Object.entries(examples)) fits(t, schema, value, `${type} ${name}`)
  }
})

/** All that the reply says, the document says too. */
function isDescribed(t: Test, answer: HttpAnswer, operation: Operation, about: string): void {
  const described = operation.responses[answer.status]
  t.ok(described, `${about}: ${answer.status} is described`)
  const { headers = {}, content } = resolved(described ?? {})
  for (const name of ['etag', 'minivault-version', 'minivault-ttl', 'content-range', 'www-authenticate']) {
    const value = answer.headers[name]
    if (value === undefined || operation.operationId === 'describeValue') continue
    const header = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1]
    t.ok(header, `${about}: ${name} is described`)
    if (header !== undefined)
      fits(t, resolved(header as { schema: object }).schema, value, `${about}: ${name}`)
  }
  if (answer.bytes.length === 0) return
  const type = `${answer.headers['content-type']}`
  const media = content?.[type]
  t.ok(media, `${about}: ${type} is described`)
  if (media !== undefined && type === 'application/json')
    fits(t, media.schema, JSON.parse(answer.body), about)
}

t.test('its exchanges are what a node says', async (t) => {
  const server = await startServer(t)
  const known = new Map<string, string>()
  const filled = (text: string) => text.replaceAll(/\{(\w+)\}/g, (whole, name) => known.get(name) ?? whole)
  for (const { operation: id, request, reply, remember } of exchanges) {
    const { method, operation } = operations.get(id)!
    const about = `${method} ${request.target} ${reply.status}`
    const headers = Object.entries(request.headers ?? {}).map(([name, value]) => [name, filled(value)])
    const answer = await ask(server, method, request.target, request.body, Object.fromEntries(headers))
    t.equal(answer.status, reply.status, about)
    if (remember !== undefined) known.set(remember, `${answer.headers['minivault-version']}`)
    for (const [name, value] of Object.entries(reply.headers ?? {})) {
      const expected = value === null ? undefined : filled(value)
      t.equal(answer.headers[name.toLowerCase()], expected, `${about}: ${name}`)
    }
    if (reply.body !== undefined) t.equal(answer.body, reply.body, about)
    isDescribed(t, answer, operation, about)
  }
  for (const { method, path, operation } of operations.values()) {
    const shown = exchanges.filter((exchange) => exchange.operation === operation.operationId)
    const statuses = new Set(shown.map(({ reply }) => `${reply.status}`))
    for (const status of Object.keys(operation.responses)) {
      if (!UNSHOWN.has(status)) t.ok(statuses.has(status), `${method} ${path} shows ${status}`)
    }
  }
  const { content } = document.components.requestBodies.value as { content: Record<string, MediaType> }
  for (const [type, { examples = {} }] of Object.entries(content)) {
    for (const [name, { value }] of Object.entries(examples)) {
      const isJson = type === 'application/json'
      const body = isJson ? JSON.stringify(value) : `${value}`
      t.equal((await ask(server, 'PUT', '/example', body, { 'Content-Type': type })).status, 200, name)
      const { body: read } = await ask(server, 'GET', '/example', undefined, { Accept: type })
      if (isJson) t.same(JSON.parse(read).data, (value as { value: unknown }).value, name)
      else t.equal(read, value, name)
    }
  }
})
