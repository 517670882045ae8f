import { describe, expect, test } from 'vitest'
import { Wakefulness } from './wait-mode.ts'

/** Milliseconds that a result takes, by whether the threads wait awake. The first result after a change still finds the other thread as it was. */
interface Machine {
  readonly awake: number
  readonly asleep: number
}
const idle: Machine = { awake: 0.014, asleep: 0.1 }
const saturated: Machine = { awake: 0.2, asleep: 0.045 }

/** The mean of `count` results, one after the other. */
function mean(wakefulness: Wakefulness, machine: Machine, count: number): number {
  let sum = 0
  let before = wakefulness.awake
  for (let i = 0; i < count; i++) {
    const ms = machine[wakefulness.awake ? 'awake' : 'asleep'] + (before === wakefulness.awake ? 0 : 0.1) + (i % 50 === 0 ? 3 : 0)
    before = wakefulness.awake
    sum += Math.min(ms, 1)
    wakefulness.record(ms)
  }
  return sum / count
}

describe('the way of waiting', () => {
  test.each([
    ['awake, where each thread has a core', idle, true],
    ['asleep, where others want the cores', saturated, false],
  ])('is %s', (_, machine, awake) => {
    const wakefulness = new Wakefulness()
    mean(wakefulness, machine, 1_000)
    expect(wakefulness.awake).toBe(awake)
    const best = Math.min(machine.awake, machine.asleep)
    const hiccups = (1 - best) / 50
    expect(mean(wakefulness, machine, 20_000)).toBeLessThan(1.15 * best + hiccups)
  })

  test('follows when the machine gets busy, and when it is idle again', () => {
    const wakefulness = new Wakefulness()
    for (const machine of [idle, saturated, idle, saturated]) {
      mean(wakefulness, machine, 3_000)
      const awake = []
      for (let i = 0; i < 200; i++) {
        mean(wakefulness, machine, 1)
        awake.push(wakefulness.awake)
      }
      expect(awake.filter((one) => one === (machine === idle)).length).toBeGreaterThan(150)
    }
  })
})
