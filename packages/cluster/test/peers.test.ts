/** Who is taken to be away: nobody because we stood still ourselves. */
import t from 'tap'
import { Peers } from '../src/peers.ts'

const SUSPECT_AFTER_MS = 1000
const TICK_MS = 100
const PATIENCE_MS = 20

function ticking(peers: Peers, fromMs: number, untilMs: number, heard: (nowMs: number) => void): void {
  for (let nowMs = fromMs; nowMs <= untilMs; nowMs += TICK_MS) {
    heard(nowMs)
    peers.onTick([1, 2], nowMs)
  }
}

t.test('silence is suspect after a while, and any word ends it', async (t) => {
  const peers = new Peers(0, SUSPECT_AFTER_MS, TICK_MS)
  const hearOne = (nowMs: number) => t.notOk(peers.heard(1, nowMs))
  ticking(peers, TICK_MS, 1000, hearOne)
  t.notOk(peers.isSuspected(2), 'it may just have started')
  ticking(peers, 1100, 1200, hearOne)
  t.ok(peers.isSuspected(2))
  t.notOk(peers.isSuspected(1))
  t.notOk(peers.isLikelyToAnswer(2, 0, PATIENCE_MS))
  t.ok(peers.heard(2, 1250), 'it was away')
  t.notOk(peers.heard(2, 1260))
  t.ok(peers.isLikelyToAnswer(2, 0, PATIENCE_MS))
})

t.test('who does not vote is not likely to be of use', async (t) => {
  const peers = new Peers(0, SUSPECT_AFTER_MS, TICK_MS)
  t.ok(peers.isLikelyToAnswer(1, 0, PATIENCE_MS), 'nothing is known of it')
  peers.heard(1, 10)
  peers.heardVote(1, false)
  t.notOk(peers.isLikelyToAnswer(1, 0, PATIENCE_MS))
  peers.heardVote(1, true)
  t.ok(peers.isLikelyToAnswer(1, 0, PATIENCE_MS))
})

t.test('who has not said a word since it was asked is not likely to', async (t) => {
  const peers = new Peers(0, SUSPECT_AFTER_MS, TICK_MS)
  peers.heard(1, 10)
  t.ok(peers.isLikelyToAnswer(1, 500, PATIENCE_MS), 'nobody asked')
  peers.asked(1, 500)
  peers.asked(1, 519)
  t.ok(peers.isLikelyToAnswer(1, 520, PATIENCE_MS))
  t.notOk(peers.isLikelyToAnswer(1, 521, PATIENCE_MS))
  peers.heard(1, 530)
  t.ok(peers.isLikelyToAnswer(1, 600, PATIENCE_MS))
})

t.test('while we stood still nobody was heard, and nobody is to blame', async (t) => {
  const peers = new Peers(0, SUSPECT_AFTER_MS, TICK_MS)
  peers.heard(1, 0)
  peers.onTick([1], 5000)
  t.notOk(peers.isSuspected(1), 'nothing for five seconds')
  // It is really away: that shows a little later than usual.
  for (let nowMs = 5100; nowMs < 12_000; nowMs += TICK_MS) peers.onTick([1], nowMs)
  t.ok(peers.isSuspected(1))
})

t.test('who takes far longer than the quickest is not likely to', async (t) => {
  const peers = new Peers(0, SUSPECT_AFTER_MS, TICK_MS)
  const look = () => peers.onTick([1, 2], 0)
  const takes = (ms: number) => {
    for (let n = 0; n < 40; n++) peers.took(1, ms)
  }
  peers.heard(1, 0)
  peers.heard(2, 0)
  for (let n = 0; n < 40; n++) peers.took(2, 5)
  takes(300)
  t.ok(peers.isLikelyToAnswer(1, 0, PATIENCE_MS), 'nobody has looked')
  look()
  t.notOk(peers.isLikelyToAnswer(1, 0, PATIENCE_MS))
  t.ok(peers.isLikelyToAnswer(2, 0, PATIENCE_MS))
  takes(30)
  t.ok(peers.isLikelyToAnswer(1, 0, PATIENCE_MS), 'a little slower is not slow')
  for (let n = 0; n < 40; n++) peers.took(2, 300)
  takes(300)
  look()
  t.ok(peers.isLikelyToAnswer(1, 0, PATIENCE_MS), 'all of them are')
})
