/**
 * Writes the built-in table of prices from a table of litellm: `node packaging/price-table.mjs FILE SOURCE DATE`.
 *
 * The file is `model_prices_and_context_window.json`, which the package `litellm` on PyPI has inside, too. Models of those who make them are taken, under
 * their bare names; the same model at resellers is found by `priceOf`, or comes with `heddle prices update`. A name with a date is left out where
 * the name without it has the same price.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createJiti } from 'jiti'

const jiti = createJiti(import.meta.url)
/** @type {typeof import('../src/ai/prices/price-formats.ts')} */
const { readPriceTable } = await jiti.import('../src/ai/prices/price-formats.ts')

const makers = new Set([
  'openai',
  'anthropic',
  'gemini',
  'deepseek',
  'mistral',
  'xai',
  'cohere',
  'cohere_chat',
  'moonshot',
  'zai',
  'minimax',
  'voyage',
  'amazon_nova',
  'dashscope',
  'perplexity',
])
const modes = new Set(['chat', 'responses', 'embedding'])
/** Some of them serve models of others, too, at prices of their own. @type {Record<string, RegExp>} */
const sells = { dashscope: /^qw/, mistral: /^(?!zai|glm|deepseek)/, perplexity: /^sonar/ }
/** Voices, pictures, robots, experiments: few call them through the AI SDK as language models. */
const others =
  /audio|realtime|tts|robotics|lyria|learnlm|gemma|-exp\b|experimental|-beta|pplx|codellama|llama-2|mixtral|preset|prompt-guard|gemini-exp/

const [file = '', source = '', date = ''] = process.argv.slice(2)
const table = JSON.parse(readFileSync(file, 'utf8'))
/** @type {Record<string, unknown>} */
const chosen = {}
for (const [id, row] of Object.entries(table)) {
  const name = id.startsWith(`${row.litellm_provider}/`)
    ? id.slice(row.litellm_provider.length + 1)
    : id.replace('amazon-nova/', '')
  const reseller = name.includes('/') || (sells[row.litellm_provider] ?? /./).test(name) === false
  if (!makers.has(row.litellm_provider) || !modes.has(row.mode) || reseller || others.test(id) || id.startsWith('ft:')) continue
  if (row.deprecation_date !== undefined && row.deprecation_date < retiredBefore(date)) continue
  chosen[name] ??= row
}
const { models } = readPriceTable(JSON.stringify(chosen), source, date)
for (const [name, price] of Object.entries(models)) {
  const undated = name.replace(/-(?:\d{4}-\d{2}-\d{2}|\d{8}|\d{2}-\d{4}|\d{4}|latest)$/, '')
  if (undated !== name && JSON.stringify(without(models[undated])) === JSON.stringify(without(price))) delete models[name]
}

const rows = Object.keys(models)
  .toSorted()
  .map((name) => `    ${JSON.stringify(name)}: ${separated(JSON.stringify(models[name]))},`)
const path = fileURLToPath(new URL('../src/ai/prices/price-table.ts', import.meta.url))
writeFileSync(
  path,
  `/** The built-in prices: data, and so as long as it is. \`packaging/price-table.mjs\` writes it from the source below. */
import type { PriceList } from './price.ts'

export const builtIn: PriceList = {
  date: ${JSON.stringify(date)},
  source: ${JSON.stringify(source)},
  models: {
${rows.join('\n')}
  },
}
`,
)
execFileSync('npx', ['oxfmt', path], { stdio: 'inherit' })
console.log(`${rows.length} models`)

/** Bills of retired models are looked at for some months. @param {string} day */
function retiredBefore(day) {
  return new Date(Date.parse(day) - 180 * 86_400_000).toISOString().slice(0, 10)
}

/** @param {object | undefined} price */
function without(price) {
  return price && { ...price, retires: undefined }
}

/** @param {string} json */
function separated(json) {
  return json.replaceAll(/(?<=":)\d{4,}(?=[,}])/g, (digits) => Number(digits).toLocaleString('en-US').replaceAll(',', '_'))
}
