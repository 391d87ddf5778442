/** First starts of three members: who founds, who joins, and when everybody waits. */
import t from 'tap'
import { FirstStart, type FirstStartParts, MEMBERSHIP, type StartMessage } from '../src/index.ts'
import { plantedCore } from './support/planted-core.ts'

const NAMES = ['a', 'b', 'c']

type Options = Partial<FirstStartParts<string>>

/** Messages arrive at once, but for those of members that are silent. */
class Stage {
  readonly starts = new Map<string, FirstStart<string>>()
  readonly silent = new Set<string>()
  readonly written = new Map<string, string>()
  /** Who was told of which layout, and by whom. */
  readonly told: string[] = []
  /** Called back when that is durable. */
  readonly unsynced: (() => void)[] = []
  isSlow = false
  readonly #FirstStart: typeof FirstStart
  #asking = 0

  constructor(Start: typeof FirstStart = FirstStart) {
    this.#FirstStart = Start
  }

  get ids(): string[] {
    return [...new Set(this.written.values())]
  }

  start(name: string, options: Options = {}): FirstStart<string> {
    this.#asking += 1
    const start = new this.#FirstStart<string>({
      name,
      members: NAMES,
      membersHash: 'same',
      clusterId: this.written.get(name) ?? null,
      foundsAlone: false,
      viewOf: () => ({ members: NAMES, phase: 3, silentMax: 1 }),
      asking: this.#asking,
      layout: () => `layout of ${name}`,
      hasHeardOf: () => false,
      newId: () => `id of ${name}`,
      send: (to, message) => this.#send(name, to, message),
      write: ({ clusterId: id }, then) => {
        const sync = () => {
          this.written.set(name, id)
          then()
        }
        if (this.isSlow) this.unsynced.push(sync)
        else sync()
      },
      onLayout: (member, layout) => this.told.push(`${name}: ${layout}, by ${member}`),
      ...options,
    })
    this.starts.set(name, start)
    return start
  }

  tick(times = 1): void {
    for (let count = 0; count < times; count++) {
      for (const [name, start] of this.starts) if (!this.silent.has(name)) start.onTick()
    }
  }

  kinds(): string[] {
    return NAMES.map((name) => this.starts.get(name)?.status.kind ?? 'down')
  }

  #send(from: string, to: string, message: StartMessage<string>): void {
    if (!this.silent.has(from) && !this.silent.has(to)) this.starts.get(to)?.onMessage(from, message)
  }
}

t.test('three that are empty: the smallest name founds, the others join', async (t) => {
  const stage = new Stage()
  for (const name of ['c', 'b', 'a']) stage.start(name)
  stage.tick(2)
  const [a, b] = NAMES.map((name) => stage.starts.get(name)!.status)
  t.match(a, { kind: 'member', clusterId: 'id of a', began: MEMBERSHIP.voting, layout: null })
  t.match(b, { kind: 'member', clusterId: 'id of a', layout: 'layout of a' })
  t.not(b!.kind === 'member' && b!.began, MEMBERSHIP.voting)
  t.same(stage.ids, ['id of a'])
})

t.test('an id is said when it is durable, and not before', async (t) => {
  const stage = new Stage()
  stage.isSlow = true
  for (const name of NAMES) stage.start(name)
  stage.tick(3)
  t.same(stage.kinds(), ['asking', 'waitingFor', 'waitingFor'])
  t.equal(stage.unsynced.length, 1, 'written once')
  stage.unsynced.shift()!()
  stage.tick()
  t.equal(stage.unsynced.length, 2, 'the others have heard of it')
})

t.test('one has data: the others take its id, and the layout', async (t) => {
  const stage = new Stage()
  stage.written.set('b', 'old')
  for (const name of NAMES) stage.start(name, { hasHeardOf: (other) => other === 'a' })
  stage.tick(2)
  t.match(stage.starts.get('a')!.status, {
    clusterId: 'old',
    began: MEMBERSHIP.joining,
    layout: 'layout of b',
  })
  t.match(stage.starts.get('c')!.status, { clusterId: 'old', began: MEMBERSHIP.arriving })
})

t.test('with too many silent nobody can tell that it is new', async (t) => {
  const stage = new Stage()
  stage.written.set('b', 'old')
  stage.silent.add('a')
  const options = { viewOf: () => ({ members: NAMES, phase: 3, silentMax: 0 }) }
  for (const name of NAMES) stage.start(name, options)
  stage.tick(20)
  t.match(stage.starts.get('c')!.status, { clusterId: 'old', began: MEMBERSHIP.joining })
})

t.test('two ids: nobody takes either', async (t) => {
  const stage = new Stage()
  stage.written.set('a', 'one')
  stage.written.set('b', 'another')
  for (const name of NAMES) stage.start(name)
  stage.tick(2)
  t.same(stage.kinds(), ['twoClusters', 'twoClusters', 'twoClusters'])
  t.same(stage.starts.get('c')!.status, { kind: 'twoClusters', ids: ['another', 'one'] })
  t.equal(stage.written.has('c'), false)
})

t.test('one is silent: wait, until it comes or the operator decides', async (t) => {
  const stage = new Stage()
  stage.silent.add('c')
  for (const name of NAMES) stage.start(name)
  stage.tick(50)
  t.same(stage.starts.get('a')!.status, { kind: 'asking', silent: ['c'] })
  t.equal(stage.written.size, 0)

  stage.start('b', { foundsAlone: true })
  stage.tick(20)
  t.match(stage.starts.get('b')!.status, { clusterId: 'id of b', began: MEMBERSHIP.voting })
  t.match(stage.starts.get('a')!.status, { clusterId: 'id of b' })
  stage.silent.clear()
  stage.tick(2)
  t.match(stage.starts.get('c')!.status, { clusterId: 'id of b' })
})

t.test('other lists: nobody founds', async (t) => {
  const stage = new Stage()
  for (const name of NAMES) stage.start(name, { membersHash: name === 'c' ? 'other' : 'same' })
  stage.tick(3)
  t.same(stage.starts.get('a')!.status, { kind: 'listsDiffer', member: 'c' })
  t.equal(stage.written.size, 0)
})

t.test('an answer to the life before is none', async (t) => {
  const stage = new Stage()
  const a = stage.start('a')
  const empty = {
    kind: 'theirs',
    clusterId: null,
    membersHash: 'same',
    layout: null,
    hasHeardOfYou: false,
  } as const
  a.onMessage('b', { ...empty, asking: 1 })
  a.onMessage('c', { ...empty, asking: 0 })
  t.same(a.status, { kind: 'asking', silent: ['c'] })
  a.onMessage('c', { ...empty, asking: 1 })
  t.match(a.status, { kind: 'member', clusterId: 'id of a' })
})

t.test('alone it founds at once; with an id it is what it was', async (t) => {
  const stage = new Stage()
  t.match(stage.start('a', { members: ['a'] }).status, { kind: 'member', clusterId: 'id of a' })
  t.match(stage.start('a').status, { kind: 'member', clusterId: 'id of a', began: MEMBERSHIP.voting })
})

t.test('whose layout names no one that is left: it asks those who speak to it', async (t) => {
  const stage = new Stage()
  for (const name of ['a', 'x', 'y']) stage.written.set(name, name === 'y' ? 'another' : 'old')
  const a = stage.start('a')
  for (const name of ['x', 'y']) stage.start(name, { members: ['x', 'y'] })
  stage.tick(2)
  t.same(stage.told, [], 'nobody it knows is there')
  for (const name of ['x', 'y']) a.onStranger(name)
  stage.tick()
  t.same(stage.told, ['a: layout of x, by x'], 'who is of another cluster tells nothing')
  t.match(a.status, { kind: 'member', clusterId: 'old' }, 'and nothing comes of it')
  stage.tick()
  t.equal(stage.told.length, 1, 'asked once for each time it speaks')
})

t.test(
  'who belongs to a cluster is told by those on its list, and gives up those that are none',
  async (t) => {
    const stage = new Stage()
    for (const name of NAMES) stage.written.set(name, 'old')
    const asked: string[] = []
    const a = stage.start('a', {
      members: ['a', 'b', 'z'],
      viewOf: () => ({ members: ['a', 'b'], phase: 3, silentMax: 1 }),
      send: (to) => asked.push(to),
    })
    for (let ticks = 0; ticks < 100; ticks++) a.onTick()
    t.equal(asked.filter((name) => name === 'b').length, 100)
    t.equal(asked.filter((name) => name === 'z').length, 40)
    stage.start('a')
    stage.start('b')
    stage.tick()
    t.same(stage.told, ['a: layout of b, by b', 'b: layout of a, by a'])
  },
)

/** What a first start without one of its rules comes to, and should not. */
const FAULTS: readonly {
  readonly wrong: string
  readonly removed: readonly string[]
  readonly added: readonly string[]
  readonly isWrong: (stage: Stage) => boolean
}[] = [
  {
    wrong: 'two clusters, as the silent one had an id',
    removed: ['if (silent.length > 0 && !(foundsAlone && this.#ticks >= PATIENCE_TICKS)) {'],
    added: ['if (silent.length > 2) {'],
    isWrong: (stage) => {
      stage.written.set('c', 'old')
      stage.silent.add('c')
      for (const name of NAMES) stage.start(name)
      stage.tick(2)
      return stage.ids.length > 1
    },
  },
  {
    wrong: 'everybody founds one',
    removed: ['} else if (name === founder || foundsAlone) this.#write(this.#newCluster())'],
    added: ['} else if (name >= founder) this.#write(this.#newCluster())'],
    isWrong: (stage) => {
      stage.isSlow = true
      for (const name of NAMES) stage.start(name)
      stage.tick(2)
      for (const sync of stage.unsynced.splice(0)) sync()
      return stage.ids.length > 1
    },
  },
  {
    wrong: 'an id is said, and then lost',
    removed: ['this.#parts.write(belonging, () => this.#belong(belonging))'],
    added: ['this.#parts.write(belonging, () => {})', 'this.#belong(belonging)'],
    isWrong: (stage) => {
      stage.isSlow = true
      for (const name of NAMES) stage.start(name)
      stage.tick(3)
      return stage.kinds().includes('member') && stage.written.size === 0
    },
  },
  {
    wrong: 'one of two clusters is taken',
    removed: [
      "if (ids.size > 1) this.#status = { kind: 'twoClusters', ids: [...ids].sort() }",
      'else if (ids.size === 1) this.#take(answers)',
    ],
    added: ['if (ids.size > 0) this.#take(answers)'],
    isWrong: (stage) => {
      stage.written.set('a', 'one')
      stage.written.set('b', 'another')
      for (const name of NAMES) stage.start(name)
      stage.tick(2)
      return stage.written.has('c')
    },
  },
  {
    wrong: 'a cluster of two lists',
    removed: ['if (answer.membersHash === membersHash) continue'],
    added: ['if (answer.membersHash.length > 0 || member === membersHash) continue'],
    isWrong: (stage) => {
      for (const name of NAMES) stage.start(name, { membersHash: name === 'c' ? 'other' : 'same' })
      stage.tick(3)
      return stage.written.size > 0
    },
  },
  {
    wrong: 'who has lost its disk was never there, as it seems',
    removed: ['const isNew = !isKnown && silent.length <= silentMax'],
    added: ['const isNew = silent.length <= silentMax || isKnown'],
    isWrong: (stage) => {
      stage.written.set('b', 'old')
      const a = stage.start('a')
      for (const name of ['b', 'c']) stage.start(name, { hasHeardOf: (other) => other === 'a' })
      stage.tick(2)
      return a.status.kind === 'member' && a.status.began === MEMBERSHIP.arriving
    },
  },
  {
    wrong: 'the layout of another cluster is taken',
    removed: ['const isOurs = clusterId !== null && clusterId === this.#clusterId'],
    added: ['const isOurs = clusterId !== null'],
    isWrong: (stage) => {
      stage.written.set('a', 'old')
      stage.written.set('x', 'another')
      const a = stage.start('a')
      stage.start('x', { members: ['x'] })
      a.onStranger('x')
      stage.tick()
      return stage.told.length > 0
    },
  },
]

t.test('each rule is needed', async (t) => {
  const copies = t.testdir({})
  for (const [index, { wrong, removed, added, isWrong }] of FAULTS.entries()) {
    const core = await plantedCore([{ file: 'first-start.ts', removed, added }], `${copies}/${index}`)
    t.equal(isWrong(new Stage(core.FirstStart)), true, wrong)
    t.equal(isWrong(new Stage()), false, `not so: ${wrong}`)
  }
})
