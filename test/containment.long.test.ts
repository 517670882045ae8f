// oxlint-disable vitest/expect-expect -- what is expected of every round stands in support/containment.ts
/** The full figures of the reliability programme for containment; `containment.built.test.ts` has the short ones. */
import { test } from 'vitest'
import type { Misdeed } from './fixtures/misdeeds-functions.ts'
import { outcomes, survive } from './support/containment.ts'

const cases = (Object.keys(outcomes) as Misdeed[]).flatMap((misdeed) => [true, false].map((cold) => ({ misdeed, cold })))

/**
 * Each round starts workers of its own, which load heddle from its sources: about a second of processor time. A hundred rounds of all cases take half an
 * hour, so they are asked for, in pieces: `HEDDLE_TEST_ROUNDS=100 npm run test:long -- test/containment.long.test.ts -t loop`.
 */
const rounds = Number(process.env['HEDDLE_TEST_ROUNDS'] ?? 15)

test.each(cases)(
  `the caller survives $misdeed, workers cold: $cold, ${rounds} of ${rounds}`,
  async ({ misdeed, cold }) => {
    for (let round = 0; round < rounds; round++) await survive(misdeed, cold)
  },
  rounds * 30_000,
)
