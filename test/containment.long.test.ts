// oxlint-disable vitest/expect-expect -- what is expected of every round stands in support/containment.ts
/** The full figures of the reliability programme for containment; `containment.built.test.ts` has the short ones. */
import { test } from 'vitest'
import type { Misdeed } from './fixtures/misdeeds-functions.ts'
import { outcomes, survive } from './support/containment.ts'

const cases = (Object.keys(outcomes) as Misdeed[]).flatMap((misdeed) => [true, false].map((cold) => ({ misdeed, cold })))

test.each(cases)(
  'the caller survives $misdeed, workers cold: $cold, 100 of 100',
  async ({ misdeed, cold }) => {
    for (let round = 0; round < 100; round++) await survive(misdeed, cold)
  },
  600_000,
)
