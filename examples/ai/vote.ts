/**
 * Asks the same question many times and takes the answer that most agree on; stops as soon as more would hardly change it.
 *
 *     npx heddle run examples/ai/vote.ts ["What is 17 * 23?"]
 */
import { ask, vote } from 'heddle/ai'
import { costLine, openModel } from './provider.ts'

export default async function askOften(question = 'What is 17 * 23? Answer with the number only.'): Promise<string> {
  // The simulated model is right three times of four.
  const { model, simulated, close } = await openModel({ accuracy: 0.75 })
  try {
    const { winner, confidence, votes, samples } = await vote(() => ask(model, question, { temperature: 1 }), { n: 16 })
    const counted = votes.map(({ answer, count }) => `${answer} (${count})`).join(', ')
    return [
      `${winner}, with a confidence of ${(confidence * 100).toFixed(0)} % after ${samples} of 16 samples`,
      `votes: ${counted}`,
      costLine(model.report(), simulated),
    ].join('\n')
  } finally {
    await close()
  }
}
