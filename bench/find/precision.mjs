/**
 * Which share of the findings is right, by labels that people gave.
 *
 *     node bench/find/precision.mjs FOLDER      # FOLDER/owner+name are checkouts of labels.json's repositories
 *
 * `labels.json` names a finding by its repository and identity, and holds no code. A label of a finding that is not found any more is listed as gone;
 * a finding without a label is not counted.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { find } from 'heddle/find'

const [folder] = process.argv.slice(2)
if (!folder) throw new Error('Usage: node bench/find/precision.mjs FOLDER')
const { repositories } = JSON.parse(readFileSync(new URL('labels.json', import.meta.url), 'utf8'))
const rows = {}
const total = {}
let gone = 0
for (const [name, { heldOut, labels }] of Object.entries(repositories)) {
  const root = resolve(folder, name)
  if (!existsSync(join(root, 'package.json'))) {
    console.log(`${name} is not in ${folder}`)
    continue
  }
  const { findings } = await find([root], { root })
  const tiers = new Map(findings.map(({ id, tier }) => [id, tier]))
  const row = (rows[heldOut ? `${name} (held out)` : name] = { proven: [0, 0], likely: [0, 0] })
  for (const { id, right } of labels) {
    const tier = tiers.get(id)
    if (tier !== 'proven' && tier !== 'likely') {
      gone++
      continue
    }
    const sum = (total[heldOut ? 'held out' : 'tuned on'] ??= { proven: [0, 0], likely: [0, 0] })
    for (const of of [row, sum]) {
      of[tier][0] += right ? 1 : 0
      of[tier][1]++
    }
  }
}
const shown = ([right, all]) => (all === 0 ? '' : `${right} of ${all} (${Math.round((100 * right) / all)} %)`)
console.table(
  Object.fromEntries(
    Object.entries({ ...rows, ...total }).map(([name, { proven, likely }]) => [
      name,
      { proven: shown(proven), likely: shown(likely) },
    ]),
  ),
)
console.log(`${gone} labels are of findings that are gone or information only`)
