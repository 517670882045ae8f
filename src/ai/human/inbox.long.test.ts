import { expect, test } from 'vitest'
import { waitingStory } from '../../../test/support/wait-and-kill.ts'
import { randomFrom } from '../../../test/support/random.ts'

test('a program that is killed fifty times while it waits for a person asks nothing twice and pays nothing twice', async () => {
  const { requests, told, sent, results } = await waitingStory(50, randomFrom(1))
  expect(told).toHaveLength(1)
  expect(sent).toBe(1)
  // One of the writer, two of the mailer.
  expect(requests).toBe(3)
  expect(results).toEqual({ draft: 'You asked: Say something', mail: 'The tool says: sent' })
})
