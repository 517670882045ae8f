/** Where engines and models are: those of the tests, from the cache that all clones share. */
import { createJiti } from 'jiti'

/** @returns {Promise<{ onnx: string, minilm: { model: string, tokenizer: string } } | undefined>} */
export async function places() {
  const jiti = createJiti(import.meta.url)
  const { smallModels } = /** @type {any} */ (await jiti.import('../../test/support/models.ts'))
  const { counterparts } = /** @type {any} */ (await jiti.import('../../test/support/counterparts.ts'))
  const models = smallModels()
  const engines = counterparts('serving')
  return models && engines ? { onnx: engines.folder, minilm: models.minilm } : undefined
}
