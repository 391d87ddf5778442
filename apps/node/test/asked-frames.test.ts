import fc from 'fast-check'
import t from 'tap'
import { AskedFrames } from '../src/door/asked-frames.ts'
import { REPLY_SLOTS } from '../src/limits.ts'

t.test('what was asked is found by its slot, whatever is under way', async () => {
  fc.assert(
    fc.property(fc.nat(REPLY_SLOTS), fc.array(fc.nat(), { maxLength: 3000 }), (first, steps) => {
      const asked = new AskedFrames()
      const model = new Map<number, number>()
      let tail = first
      for (const step of steps) {
        const oldest = model.keys().next().value
        const isFull = model.size > 0 && (tail - oldest! + REPLY_SLOTS) % REPLY_SLOTS === 0
        if (step % 3 !== 0 && !isFull) {
          asked.add(tail, step, step & 255)
          model.set(tail, step)
          tail = (tail + 1) % REPLY_SLOTS
          continue
        }
        // Any of those under way may be answered first.
        const slot = [...model.keys()][step % Math.max(1, model.size)]
        if (slot === undefined) continue
        const frameId = model.get(slot)!
        if (asked.frameId(slot) !== frameId || asked.opcode(slot) !== (frameId & 255)) return false
        asked.delete(slot)
        model.delete(slot)
      }
      return [...model].every(([slot, frameId]) => asked.frameId(slot) === frameId)
    }),
  )
})

t.test('as many as there are slots', async (t) => {
  const asked = new AskedFrames()
  for (let slot = 0; slot < REPLY_SLOTS; slot++) asked.add(slot, slot * 7, slot & 255)
  for (let slot = 0; slot < REPLY_SLOTS; slot++) if (asked.frameId(slot) !== slot * 7) t.fail(`${slot}`)
  t.throws(() => asked.add(5, 1, 1), /bug|slot/)
  asked.delete(9)
  t.throws(() => asked.frameId(9))
})
