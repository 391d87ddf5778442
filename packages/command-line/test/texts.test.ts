/** A table of flags, each spelling, each mistake. The node's own table: apps/node/test/settings.test.ts. */
import t from 'tap'
import { environmentName, type Flags, helpRows, readAuthKey, readTexts, UsageError } from '../src/index.ts'

const FLAGS = {
  port: { kind: 'integer', fallback: 3000, min: 0, max: 65_535, help: 'port to listen on' },
  geo: { kind: 'choice', choices: ['federated', 'stretched'], fallback: 'federated', help: 'how' },
  auth: { kind: 'text', help: 'key' },
  'auth-file': { kind: 'text', help: 'file of the key' },
  watch: { kind: 'text', later: '*', help: 'later' },
} as const satisfies Flags

const read = (line: string, environment = {}) =>
  readTexts({
    program: 'example',
    flags: FLAGS,
    words: line.split(' ').filter((word) => word !== ''),
    environment,
  })

t.test('the command line wins over the environment, and that over the default', async (t) => {
  t.equal(read('').text('port'), '3000')
  t.equal(read('', { MINIVAULT_PORT: '1' }).text('port'), '1')
  for (const line of ['-port 2', '--port 2', '-port=2', '--port=2'])
    t.equal(read(line, { MINIVAULT_PORT: '1' }).text('port'), '2', line)
  t.equal(read('').text('auth'), '')
  t.ok(read('-port 1').isOnCommandLine('port'))
  t.notOk(read('', { MINIVAULT_PORT: '1' }).isOnCommandLine('port'))
  t.equal(environmentName('auth-file'), 'MINIVAULT_AUTH_FILE')
})

t.test('mistakes are one line', async (t) => {
  for (const [line, message] of [
    ['-prot 1', '-prot is not a flag (did you mean -port?): see example --help'],
    ['serve', 'serve is not a flag: see example --help'],
    ['-port', '-port needs a value: port to listen on'],
    ['-port 1 -port 2', '-port is given twice: leave one out'],
    ['-port 70000', '-port takes a whole number from 0 to 65535, not "70000"'],
    ['-geo round', '-geo takes federated, stretched, not "round"'],
    ['-watch x', '-watch: not in this version'],
  ] as const)
    t.throws(() => read(line), new UsageError(message), line)
})

t.test('the key', async (t) => {
  t.equal(readAuthKey(read('-auth key')), 'key')
  t.equal(readAuthKey(read('-auth key', { MINIVAULT_AUTH_FILE: '/nowhere' })), 'key')
  t.equal(readAuthKey(read('')), null)
  t.throws(() => readAuthKey(read('-auth-file /nowhere')), /cannot be read \(ENOENT\)/)
  t.throws(() => readAuthKey(read(`-auth ${'x'.repeat(1025)}`)), /at most 1024 bytes/)
})

t.test('help has a row for each flag that there is', async (t) => {
  const rows = helpRows(FLAGS).split('\n')
  t.equal(rows.length, 4)
  t.equal(rows[0], '  -port 3000          port to listen on')
})
