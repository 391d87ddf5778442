/**
 * Three whole nodes A, B and C that hold the key, and D, which holds nothing and only asks. Each command is
 * carried out until no message is on its way any more: a hop takes 1 ms, and a log is synced at once.
 *
 *     given x@10 | given A,B x@10 what was there before
 *     A put x (request 90)        asks at A: asked.ts has the words
 *     wait 60                     so many ms pass, timers go off
 *     lose A>B | hold A>* accept  all messages on the link, or those of a kind, are lost or held up
 *     cut C                       nothing goes in or out
 *     heal                        nothing is lost or held up from now on
 *     release | release A>B       what was held up goes on its way
 *     crash A | start A           what was not synced is gone
 *     log A stops | log A goes
 *     start A recovering          it may have forgotten something; `joining`: its folder was empty
 *     forget A 2                  while it is down, the last two entries of its log are lost, though synced
 *     tick                        of every node: the time for what nobody asks for
 *     A releases 15               tombstones up to 15, if all agree
 *     clock A 3600000             so many ms ahead
 *     A changes to A,B,D          with layouts: proposes the next one
 *     A settles                   without those that do not come
 *     voters                      who votes
 *     look | clocks               what each holds; what each clock gave out or met last
 *
 * A line `A > B  accept x@20: held` is a question of A and what B answered. What A does with its own question
 * to itself is seen in its log: `A holds x@20`, `A promises 20`.
 */
import {
  type Answer,
  Electorate,
  type HeldRecord,
  MEMBERSHIP,
  MESSAGE,
  type Message,
  type Placement,
  type Pledge,
  PROPOSAL,
} from '../../src/index.ts'
import { fixedPlacement } from '../../src/testing/index.ts'
import { readAsked } from './asked.ts'
import { tableWith } from './layouts-of.ts'
import { type Flight, isQuestion, ScriptedNetwork } from './network.ts'
import type { Core } from './planted-core.ts'
import { ScriptedNode, type Watcher } from './scripted-node.ts'
import { Telling } from './telling.ts'
import type { Stage } from './transcript.ts'
import { readRecord, readVersion, writtenRecord, writtenVersion } from './words.ts'

const START_MS = 100
const NAMES = ['A', 'B', 'C', 'D']
const FIXED = fixedPlacement(new Electorate([1, 2, 3]))

export class NodeStage implements Stage, Watcher {
  readonly #network = new ScriptedNetwork(START_MS, (flight) => this.#onArrival(flight))
  readonly #nodes: readonly ScriptedNode[]
  readonly #telling = new Telling()
  /** The question that a node is about to answer. */
  #current: Flight | null = null
  #isAnswered = false
  #tokens = 0
  /** Of those that may hold the key. */
  readonly #shown: readonly ScriptedNode[]
  readonly #tableOf: TableOf
  /** Of each node, as last told. */
  readonly #phases: number[]

  /** @param placementOf of one node and life; the nodes that hold the key may change then */
  constructor(
    core: Core,
    placementOf: ((node: number) => Placement) | null = null,
    tableOf: TableOf = tableWith,
  ) {
    this.#tableOf = tableOf
    const parts = { core, network: this.#network, placementOf: placementOf ?? (() => FIXED), watcher: this }
    this.#nodes = NAMES.map((_, index) => new ScriptedNode(index + 1, parts))
    this.#shown = placementOf === null ? this.#nodes.slice(0, 3) : this.#nodes
    this.#phases = this.#nodes.map(({ phase }) => phase)
  }

  run(command: string): string | readonly string[] {
    const [verb, ...words] = command.split(' ') as [string, ...string[]]
    switch (verb) {
      case 'given':
        return this.#given(words)
      case 'look':
        return this.#ofReplicas(({ record }) => (record === null ? 'nothing' : writtenRecord(record)))
      case 'voters':
        return this.#ofReplicas(({ votes, isUp }) => (isUp ? (votes ? 'votes' : 'does not vote') : 'is down'))
      case 'clocks':
        return this.#ofReplicas(({ latest }) => writtenVersion(latest))
      default:
        this.#carryOut(verb, words)
        this.#network.settle()
        this.#tellPhases()
        return this.#telling.takeLines()
    }
  }

  #carryOut(verb: string, words: string[]): void {
    if (NAMES.includes(verb)) return this.#ask(verb, words.join(' '))
    switch (verb) {
      case 'wait':
        return this.#network.pass(Number(words[0]))
      case 'lose':
      case 'hold':
        return this.#addRule(verb, words[0]!, words[1] ?? null)
      case 'cut':
        this.#addRule('lose', `${words[0]}>*`, null)
        return this.#addRule('lose', `*>${words[0]}`, null)
      case 'heal':
        return this.#network.heal()
      case 'tick':
        for (const node of this.#nodes) node.tick()
        return
      case 'release':
        return this.#network.releaseHeld(this.#linkOf(words[0] ?? '*>*'))
      default:
        return this.#change(this.#nodeOf(words[0]!), verb, words[1])
    }
  }

  #change(node: ScriptedNode, verb: string, word: string | undefined): void {
    if (verb === 'crash') node.crash()
    else if (verb === 'start') node.start(MEMBERSHIP[(word ?? 'voting') as keyof typeof MEMBERSHIP])
    else if (verb === 'forget') node.forget(Number(word))
    else if (verb === 'clock') node.skewMs = Number(word)
    else if (verb === 'log') {
      node.isLogStopped = word === 'stops'
      node.sync()
    } else throw new Error(`no command \`${verb}\``)
  }

  #ask(name: string, words: string): void {
    if (words.startsWith('changes to ')) return this.#changeLayout(name, words.slice('changes to '.length))
    if (words === 'settles') {
      const isSettled = this.#nodeOf(name).settleLayout()
      return this.#telling.tell(`${name} ${isSettled ? 'settles' : 'knows of too few that are ready'}`)
    }
    if (words.startsWith('releases ')) return this.#release(name, words.slice('releases '.length))
    this.#tokens += 1
    const request = readAsked(words)
    this.#telling.asked(this.#tokens, words.replace(/ \(.*/, ''), request)
    this.#nodeOf(name).ask(this.#tokens, request)
  }

  #release(name: string, upTo: string): void {
    this.#nodeOf(name).release(readVersion(upTo), (isReleased) => {
      this.#telling.tell(`${name} ${isReleased ? 'has released' : 'gives up releasing'} up to ${upTo}`)
    })
  }

  #changeLayout(name: string, members: string): void {
    const node = this.#nodeOf(name)
    const names = members.split(',')
    const epoch = Math.floor(node.phase / 2) + 1
    node.changeLayout(this.#tableOf(epoch, names), (proposal) => {
      const [what] = Object.entries(PROPOSAL).find(([, value]) => value === proposal)!
      this.#telling.tell(`${name} proposed layout ${epoch}, ${members}: ${what}`)
    })
  }

  #tellPhases(): void {
    for (const [index, node] of this.#nodes.entries()) {
      if (node.phase === 0 || node.phase === this.#phases[index]) continue
      this.#phases[index] = node.phase
      const { current, members, isJoint } = node.electorate
      const after = isJoint
        ? `joint, with ${namesOf(members.filter((one) => !current.includes(one)))}`
        : 'settled'
      this.#telling.tell(`${NAMES[index]} goes by layout ${node.phase >> 1}, ${after}: ${namesOf(current)}`)
    }
  }

  #given(words: string[]): string {
    const names = words.length > 1 ? words[0]!.split(',') : NAMES.slice(0, 3)
    for (const name of names) this.#nodeOf(name).given(readRecord(words.at(-1)!, null))
    return `${names.join(', ')}`
  }

  #addRule(does: 'lose' | 'hold', link: string, kind: string | null): void {
    this.#network.addRule({ ...this.#linkOf(link), kind, does })
  }

  #linkOf(words: string): { from: number | null; to: number | null } {
    const [from, to] = words.split('>').map((name) => (name === '*' ? null : this.#nodeOf(name).number))
    return { from: from!, to: to! }
  }

  #ofReplicas(shown: (node: ScriptedNode) => string): string {
    return this.#shown.map((node) => `${nameOf(node.number)} ${shown(node)}`).join(', ')
  }

  #nodeOf(name: string): ScriptedNode {
    const node = this.#nodes[NAMES.indexOf(name)]
    if (node === undefined) throw new Error(`no node \`${name}\``)
    return node
  }

  // --- what is seen

  onSend(from: number, to: number, message: Message): void {
    this.#tellPhases()
    const fate = this.#network.send({ from, to, message })
    if (isQuestion(message)) {
      this.#telling.question(from, message)
      if (fate !== null) this.#telling.tellQuestion({ from, to, message }, FATES[fate])
      return
    }
    const fateOfIt = fate === null ? '' : ` (the answer is ${FATES[fate]})`
    if (UNTOLD.includes(message.kind)) return
    const answer = `${this.#telling.replyText(to, message)}${fateOfIt}`
    const question = this.#current
    const isDue = question?.from === to && question.message.exchange === message.exchange
    if (question !== null && isDue) {
      this.#isAnswered = true
      this.#telling.tellQuestion(question, answer)
    } else this.#telling.tell(`${nameOf(from)} > ${nameOf(to)}  answers now: ${answer}`)
  }

  onAnswer(node: number, token: number, answer: Answer): void {
    this.#telling.tellAnswer(node, token, answer)
  }

  onHold(node: number, record: HeldRecord): void {
    if (this.#current === null) this.#telling.tell(`${nameOf(node)} holds ${writtenRecord(record)}`)
  }

  onPledge(node: number, { ballot }: Pledge): void {
    if (this.#current === null) this.#telling.tell(`${nameOf(node)} promises ${writtenVersion(ballot)}`)
  }

  #onArrival(flight: Flight): void {
    const { from, to, message } = flight
    const node = this.#nodes[to - 1]!
    if (!isQuestion(message)) return node.receive(from, message)
    if (!node.isUp) return this.#telling.tellQuestion(flight, 'lost')
    this.#current = flight
    this.#isAnswered = false
    node.receive(from, message)
    if (!this.#isAnswered) this.#telling.tellQuestion(flight, 'no answer yet')
    this.#current = null
  }
}

/** The layout that is proposed with these members. */
type TableOf = typeof tableWith

const FATES = { lose: 'lost', hold: 'held up' } as const

/** They come with every tick. */
const UNTOLD: readonly number[] = [MESSAGE.hello, MESSAGE.learn, MESSAGE.layout, MESSAGE.ready]

function namesOf(nodes: readonly number[]): string {
  return nodes.map(nameOf).join(' ') || 'nobody new'
}

function nameOf(node: number): string {
  return NAMES[node - 1]!
}
