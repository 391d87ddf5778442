/** First starts of three members: who founds, who joins, and when everybody waits. */
import t from 'tap'
import { FirstStart, type FirstStartParts, MEMBERSHIP, type StartMessage } from '../src/index.ts'

const NAMES = ['a', 'b', 'c']

type Options = Partial<FirstStartParts<string>>

/** Messages arrive at once, but for those of members that are silent. */
class Stage {
  readonly starts = new Map<string, FirstStart<string>>()
  readonly silent = new Set<string>()
  readonly written = new Map<string, string>()
  /** Called back when that is durable. */
  readonly unsynced: (() => void)[] = []
  isSlow = false
  #asking = 0

  start(name: string, options: Options = {}): FirstStart<string> {
    this.#asking += 1
    const start = new FirstStart<string>({
      name,
      members: NAMES,
      membersHash: 'same',
      clusterId: this.written.get(name) ?? null,
      foundsAlone: false,
      silentMax: 1,
      asking: this.#asking,
      layout: () => `layout of ${name}`,
      hasHeardOf: () => false,
      newId: () => `id of ${name}`,
      send: (to, message) => this.#send(name, to, message),
      write: (id, then) => {
        const sync = () => {
          this.written.set(name, id)
          then()
        }
        if (this.isSlow) this.unsynced.push(sync)
        else sync()
      },
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
  t.same([...new Set(stage.written.values())], ['id of a'])
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
  const options = { silentMax: 0 }
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
