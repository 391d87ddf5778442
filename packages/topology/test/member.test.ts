import fc from 'fast-check'
import t from 'tap'
import { membersHash, normaliseMemberName, sortMembers } from '../src/index.ts'

t.test('names in one spelling', (t) => {
  const same: [string, string][] = [
    ['localhost:3001', 'localhost:3001'],
    ['LocalHost:3001/', 'localhost:3001'],
    ['HTTP://Node.Example', 'http://node.example:80'],
    ['https://node.example/', 'https://node.example:443'],
    ['https://node.example:443', 'https://node.example:443'],
    ['http://node.example:443', 'http://node.example:443'],
    ['node.example:80', 'node.example:80'],
    ['node.example:00080', 'node.example:80'],
    ['[::1]:3001', '[::1]:3001'],
    ['[0:0::0:1]:3001', '[::1]:3001'],
    ['https://[2001:DB8::1]', 'https://[2001:db8::1]:443'],
    ['http://bücher.example:1', 'http://xn--bcher-kva.example:1'],
    ['http:3001', 'http:3001'],
  ]
  for (const [text, name] of same) t.equal(normaliseMemberName(text), name, text)
  const all = ['a:80', 'http://a:80', 'https://a:80', 'a:81']
  t.equal(new Set(all.map(normaliseMemberName)).size, 4, 'the three forms of an address are three members')
  t.end()
})

t.test('what is no name says why', (t) => {
  const refused: [string, RegExp][] = [
    ['', /has no host/],
    [':3001', /has no host/],
    ['http://', /has no host/],
    ['localhost', /has no port/],
    ['localhost:', /is not host:port/],
    ['localhost:0', /port that is not 1 to 65535/],
    ['localhost:65536', /port that is not 1 to 65535/],
    ['localhost:3001/keys', /has a path/],
    ['localhost:3001//', /has a path/],
    ['http://a:1?x=1', /has a path, a query/],
    ['http://a:1#x', /has a path, a query or a fragment/],
    ['http://me:secret@a:1', /has credentials/],
    ['ftp://a:1', /scheme other than http/],
    ['minivault://a:1', /scheme other than http/],
    ['a b:1', /is not host:port/],
    [' a:1', /is not host:port/],
    ['a:1\n', /is not host:port/],
    ['a\\b:1', /is not host:port/],
    ['::1:3001', /has no host/],
    ['[::1', /is not host:port/],
    ['[1::2::3]:1', /has a host that is none/],
    ['300.300.300.300:1', /has a host that is none/],
    ['a%00b:1', /has a host that is none/],
    [`${'a'.repeat(256)}:1`, /longer than 255 bytes/],
    [`https://${'a.'.repeat(123)}a`, /longer than 255 bytes/],
  ]
  for (const [text, message] of refused) {
    t.throws(() => normaliseMemberName(text), { code: 'TOPOLOGY_BAD_NAME', message }, JSON.stringify(text))
  }
  t.end()
})

t.test('a normalised name stays as it is; nothing but a TopologyError comes out of any text', (t) => {
  let good = 0
  const host = fc.oneof(
    fc.domain(),
    fc.ipV4(),
    fc.ipV6().map((ip) => `[${ip}]`),
    fc.stringMatching(/^[A-Z0-9.-]+$/),
  )
  const url = fc
    .tuple(fc.constantFrom('', 'http://', 'HTTPS://'), host, fc.integer({ min: 0, max: 70_000 }))
    .map(([scheme, h, port]) => `${scheme}${h}:${port}`)
  const text = fc.oneof(
    { weight: 4, arbitrary: url },
    fc.string(),
    fc.webUrl(),
    fc.string({ unit: 'binary' }),
  )
  fc.assert(
    fc.property(text, (text) => {
      let name: string
      try {
        name = normaliseMemberName(text)
      } catch (error) {
        return (error as { code?: string }).code === 'TOPOLOGY_BAD_NAME'
      }
      good++
      if (!/^[\x21-\x7e]+:[1-9][0-9]{0,4}$/.test(name) || name.length > 255) return false
      return normaliseMemberName(name) === name && normaliseMemberName(name.toUpperCase()) === name
    }),
    { numRuns: 3000 },
  )
  t.ok(good > 1000, `${good} were names`)
  t.end()
})

t.test('lists: sorted, with defaults, frozen', (t) => {
  const sorted = sortMembers([{ name: 'B:2', zone: 'z-1' }, { name: 'a:10', region: 'eu' }, { name: 'a:1' }])
  t.same(sorted, [
    { name: 'a:1', region: 'default', zone: '' },
    { name: 'a:10', region: 'eu', zone: '' },
    { name: 'b:2', region: 'default', zone: 'z-1' },
  ])
  t.ok(Object.isFrozen(sorted) && sorted.every((member) => Object.isFrozen(member)))
  const bad = { code: 'TOPOLOGY_BAD_MEMBER' }
  t.throws(() => sortMembers([{ name: 'a:1', region: '' }]), { ...bad, message: /region ""; it is 1 to 63/ })
  for (const label of ['EU', 'eu west', 'é', 'a'.repeat(64), 'a\n', 'eu/a']) {
    t.throws(() => sortMembers([{ name: 'a:1', region: label }]), bad, JSON.stringify(label))
    t.throws(() => sortMembers([{ name: 'a:1', zone: label }]), bad, JSON.stringify(label))
  }
  t.doesNotThrow(() => sortMembers([{ name: 'a:1', region: 'a'.repeat(63), zone: '0-9' }]))
  const list = { code: 'TOPOLOGY_BAD_MEMBERS' }
  t.throws(() => sortMembers([]), { ...list, message: /at least one/ })
  t.throws(() => sortMembers([{ name: 'a:1' }, { name: 'A:1/' }]), {
    ...list,
    message: /a:1 is listed twice/,
  })
  const many = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `a:${i + 1}` }))
  t.equal(sortMembers(many(1024)).length, 1024)
  t.throws(() => sortMembers(many(1025)), { ...list, message: /at most 1024 members/ })
  const apart = (count: number) => many(count).map((member, i) => ({ ...member, region: `r${i}` }))
  t.equal(sortMembers(apart(64)).length, 64)
  t.throws(() => sortMembers(apart(65)), { ...list, message: /at most 64 regions/ })
  t.end()
})

t.test('the hash of a list', (t) => {
  t.equal(
    membersHash([{ name: 'LOCALHOST:3001' }]),
    'c4e123d36d5b10f0',
    'the vector of docs/CLUSTER_LAYOUT.md',
  )
  const eu = { name: 'localhost:3001', region: 'eu', zone: 'a' }
  const us = { name: 'http://10.0.0.2', region: 'us' }
  t.equal(membersHash([eu, us]), '0466dabfbc0ae458')
  t.equal(membersHash([us, eu]), membersHash([eu, us]), 'in any order')
  const others = [
    [eu],
    [eu, { ...us, zone: 'a' }],
    [{ ...eu, zone: '' }, us],
    [{ ...eu, region: 'e', zone: 'ua' }, us],
  ]
  const hashes = [[eu, us], ...others].map(membersHash)
  t.equal(new Set(hashes).size, hashes.length, 'names, regions and zones count')
  t.end()
})
