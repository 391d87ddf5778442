/**
 * Every method of HTTP on every kind of target and every command of RESP, right in all but the key that was
 * not shown, and what it needs: nothing, or the leave to read, or to write.
 */

export type Need = 'nothing' | 'reading' | 'writing'

interface HttpCase {
  method: string
  path: string
  needs: Need
  body?: string
}

const BODY = '{"value":"written by a stranger"}'

export const HTTP_CASES: readonly HttpCase[] = [
  ...['PUT', 'POST'].map((method): HttpCase => ({ method, path: '/guarded', needs: 'writing', body: BODY })),
  { method: 'DELETE', path: '/guarded', needs: 'writing' },
  ...['GET', 'HEAD'].map((method): HttpCase => ({ method, path: '/guarded', needs: 'reading' })),
  ...['GET', 'HEAD'].map((method): HttpCase => ({ method, path: '/%68ealth', needs: 'reading' })),
  { method: 'GET', path: '/-/keys', needs: 'reading' },
  { method: 'GET', path: '/-/keys?values=true&prefix=g', needs: 'reading' },
  { method: 'GET', path: 'http://elsewhere/guarded', needs: 'reading' },
  { method: 'GET', path: '/health', needs: 'nothing' },
  { method: 'GET', path: '/-/livez', needs: 'nothing' },
  { method: 'GET', path: '/-/readyz', needs: 'nothing' },
]

export const RESP_CASES: readonly (readonly [line: string, needs: Need])[] = [
  ...of('nothing', ['AUTH wrong', 'HELLO 3 AUTH default wrong', 'RESET', 'QUIT']),
  ...of('writing', ['SET guarded v', 'SET guarded v NX', 'SET guarded v GET', 'SETNX guarded v']),
  ...of('writing', ['SETEX guarded 100 v', 'PSETEX guarded 100000 v', 'GETSET guarded v', 'GETDEL guarded']),
  ...of('writing', [
    'GETEX guarded EX 100',
    'APPEND guarded v',
    'MSET guarded v b v',
    'MSETNX guarded v b v',
  ]),
  ...of('writing', ['DEL guarded', 'DEL guarded b', 'UNLINK guarded', 'INCR n', 'DECR n', 'INCRBY n 2']),
  ...of('writing', ['DECRBY n 2', 'INCRBYFLOAT n 1.5', 'EXPIRE guarded 9', 'PEXPIRE guarded 9000']),
  ...of('writing', ['EXPIREAT guarded 4000000000', 'PEXPIREAT guarded 4000000000000', 'PERSIST guarded']),
  ...of('writing', ['RENAME guarded b', 'RENAMENX guarded b', 'COPY guarded b', 'FLUSHDB', 'FLUSHALL']),
  ...of('reading', ['GET guarded', 'MGET guarded b', 'STRLEN guarded', 'GETRANGE guarded 0 1']),
  ...of('reading', ['SUBSTR guarded 0 1', 'EXISTS guarded', 'EXISTS guarded b', 'TTL guarded']),
  ...of('reading', ['PTTL guarded', 'EXPIRETIME guarded', 'PEXPIRETIME guarded', 'TYPE guarded']),
  ...of('reading', ['OBJECT ENCODING guarded', 'TOUCH guarded', 'SCAN 0', 'KEYS *', 'DBSIZE']),
  ...of('reading', ['PING', 'ECHO text', 'SELECT 0', 'CLIENT ID', 'CLIENT LIST', 'MULTI', 'EXEC', 'DISCARD']),
  ...of('reading', ['WATCH guarded', 'UNWATCH', 'COMMAND', 'COMMAND COUNT', 'CONFIG GET maxmemory', 'INFO']),
  ...of('reading', ['TIME', 'HELLO 3']),
]

function of(needs: Need, lines: readonly string[]) {
  return lines.map((line) => [line, needs] as const)
}
