/** @typedef {import('../harness/measure.mjs').Target} Target */

/**
 * What heddle promises of every map: with consent, never slower than the loop; without, never slower than the same work by hand; the event loop
 * turns meanwhile.
 * @param {import('../harness/measure.mjs').Results} results
 * @param {(name: string, loopMs: number, handMs: number) => Target[]} usesCores that it uses the cores where there is work for them
 * @returns {Target[]}
 */
export function promises(results, usesCores) {
  return results.sizes.flatMap((name) => {
    const loopMs = results.median('loop', name) ?? Number.NaN
    const handMs = results.median('by hand', name) ?? Number.NaN
    return [
      { what: `${name}: consenting, ms`, got: results.median('consenting', name), atMost: 1.05 * loopMs + 1 },
      // Below a tenth of a millisecond the clock and the scheduler decide.
      { what: `${name}: contained, ms`, got: results.median('contained', name), atMost: 1.1 * handMs + 0.1 },
      ...usesCores(name, loopMs, handMs),
      ...['consenting', 'contained'].map((who) => ({
        what: `${name}: ${who}, event loop held, ms`,
        got: results.median(who, name, 'loop held ms'),
        atMost: 10,
      })),
    ]
  })
}
