/**
 * Drives the TypeScript clients for the conformance list: a command a line on stdin, its result a line on
 * stdout. See src/driver.ts for the commands.
 */
import { createInterface } from 'node:readline'
import { MiniVaultBinary } from '../../../../examples/typescript/binary.ts'
import { MiniVault } from '../../../../examples/typescript/http.ts'

interface Command {
  do: string
  door: 'binary' | 'http'
  address: string
  authKey?: string
  connections: number
  waiting: number
  timeoutMs: number
  key: string
  text: string
  json: unknown
  hex: string
  size: number
  callers: number
}

interface Vault {
  set(key: Buffer, text: string): Promise<void>
  get(key: Buffer): Promise<string | undefined>
  setJson(key: Buffer, value: unknown): Promise<void>
  getJson(key: Buffer): Promise<unknown>
  setText(key: Buffer, text: string): Promise<void>
  getText(key: Buffer): Promise<string | undefined>
  setBytes(key: Buffer, value: Buffer): Promise<void>
  getBytes(key: Buffer): Promise<Buffer | undefined>
  delete(key: Buffer): Promise<void>
  health(): Promise<unknown>
  close(): void
}

let vault: Vault

function open(command: Command): Vault {
  const { connections, waiting, timeoutMs } = command
  const options = { connections, waiting, timeoutMs }
  if (command.door === 'binary') {
    const client = new MiniVaultBinary(command.address, command.authKey, options)
    const getText = async (key: Buffer) => (await client.get(key))?.toString()
    return {
      set: (key, text) => client.set(key, text),
      get: getText,
      setJson: (key, value) => client.setJson(key, value),
      getJson: (key) => client.getJson(key),
      setText: (key, text) => client.set(key, text),
      getText,
      setBytes: (key, value) => client.set(key, value),
      getBytes: (key) => client.get(key),
      delete: (key) => client.delete(key),
      health: () => client.health(),
      close: () => client.close(),
    }
  }
  const client = new MiniVault(`http://${command.address}`, command.authKey, options)
  return {
    set: (key, text) => client.set(key, text),
    get: (key) => client.get<string>(key),
    setJson: (key, value) => client.set(key, value),
    getJson: (key) => client.get(key),
    setText: (key, text) => client.setJsonText(key, text),
    getText: (key) => client.getJsonText(key),
    setBytes: (key, value) => client.setBytes(key, value),
    getBytes: (key) => client.getBytes(key),
    delete: (key) => client.delete(key),
    health: () => client.health(),
    close: () => client.close(),
  }
}

async function run(command: Command): Promise<object> {
  const key = Buffer.from(command.key ?? '', 'hex')
  switch (command.do) {
    case 'open':
      vault = open(command)
      return {}
    case 'close':
      vault.close()
      return {}
    case 'set':
      await vault.set(key, command.text)
      return {}
    case 'get':
      return found('text', await vault.get(key))
    case 'setJson':
      await vault.setJson(key, command.json)
      return {}
    case 'getJson':
      return found('json', await vault.getJson(key))
    case 'setText':
      await vault.setText(key, command.text)
      return {}
    case 'getText':
      return found('text', await vault.getText(key))
    case 'setBytes':
      await vault.setBytes(key, Buffer.from(command.hex, 'hex'))
      return {}
    case 'getBytes':
      return found('hex', (await vault.getBytes(key))?.toString('hex'))
    case 'fill':
      await vault.set(key, 'x'.repeat(command.size))
      return {}
    case 'length':
      return found('size', (await vault.get(key))?.length)
    case 'delete':
      await vault.delete(key)
      return {}
    case 'health':
      return { json: await vault.health() }
    case 'together':
      return { good: (await together(command.callers)).filter((good) => good).length }
    case 'crowd':
      return { codes: await crowd(command.callers) }
  }
  throw new Error(`no such command: ${command.do}`)
}

function found(name: string, value: unknown): object {
  return value === undefined ? { missing: true } : { [name]: value }
}

/** Each caller sets and gets a key of its own, all at once. */
function together(callers: number): Promise<boolean[]> {
  const call = async (_: unknown, caller: number) => {
    const key = Buffer.from(`caller-${caller}`)
    await vault.set(key, `value-${caller}`)
    return (await vault.get(key)) === `value-${caller}`
  }
  return Promise.all(Array.from({ length: callers }, call))
}

/** What becomes of so many calls at once. */
async function crowd(callers: number): Promise<string[]> {
  const call = () => vault.get(Buffer.from('crowd')).then(() => 'OK', codeOf)
  return (await Promise.all(Array.from({ length: callers }, call))).sort()
}

function codeOf(error: { code?: string; message: string }): string {
  return error.code ?? error.message
}

for await (const line of createInterface({ input: process.stdin })) {
  const result = await run(JSON.parse(line)).catch((error) => ({ error: codeOf(error) }))
  process.stdout.write(`${JSON.stringify(result)}\n`)
}
