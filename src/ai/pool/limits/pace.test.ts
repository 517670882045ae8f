import { expect, test } from 'vitest'
import { Pace } from './pace.ts'
import { ProviderBucket } from '../../simulator/bucket.ts'

/** Sends as fast as the pace allows, for so long; gives how many were accepted and refused in its second half. */
function send(perMinute: number, minutes: number): { accepted: number; refused: number } {
  const bucket = new ProviderBucket(perMinute, 60_000, 0)
  const pace = new Pace()
  const [end, half] = [minutes * 60_000, minutes * 30_000]
  let [accepted, refused] = [0, 0]
  for (let now = 0; now < end;) {
    pace.start()
    const waitMs = bucket.wait(1, now)
    if (waitMs > 0) {
      pace.refuse(waitMs, now)
      if (now > half) refused++
      now += waitMs
    } else {
      bucket.take(1, now)
      pace.answer(now)
      if (now > half) accepted++
    }
    now += 1 / (pace.perMs ?? 0.1)
  }
  return { accepted, refused }
}

test.each([30, 300, 3_000])('finds a rate of %i per minute that nobody tells', (perMinute) => {
  const { accepted, refused } = send(perMinute, 10)
  expect(accepted).toBeGreaterThan(perMinute * 5 * 0.93)
  expect(refused / accepted).toBeLessThan(0.1)
})

test('is no pace before the first refusal, and slower after each that follows at once', () => {
  const pace = new Pace()
  pace.start()
  pace.answer(1)
  expect(pace.perMs).toBeUndefined()
  pace.refuse(100, 10)
  expect(pace.perMs).toBe(0.01)
  pace.start()
  pace.refuse(100, 60)
  expect(pace.perMs).toBeLessThan(0.01)
})
