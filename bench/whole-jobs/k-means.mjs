/** Ten rounds of k-means: each round, every worker needs the whole data set and the sixteen centres. */
import { broadcast, map, workers } from 'heddle'
import { randomFrom } from './data.mjs'
import { consent } from './program.mjs'

const [dimensions, centres, rounds, parts] = [8, 16, 10, 8]

/** @typedef {{ points: Float64Array, centroids: Float64Array, from: number, to: number }} Part */

/** Sums and counts of the points from `from` to `to` by their nearest centre: `dimensions + 1` numbers each. @param {Part} part */
function assign({ points, centroids, from, to }) {
  const sums = new Float64Array(centres * (dimensions + 1))
  for (let point = from; point < to; point++) {
    let [nearest, least] = [0, Infinity]
    for (let centre = 0; centre < centres; centre++) {
      let distance = 0
      for (let d = 0; d < dimensions; d++) distance += (points[point * dimensions + d] - centroids[centre * dimensions + d]) ** 2
      if (distance < least) [nearest, least] = [centre, distance]
    }
    const at = nearest * (dimensions + 1)
    for (let d = 0; d < dimensions; d++) sums[at + d] += points[point * dimensions + d]
    sums[at + dimensions]++
  }
  return sums
}

/** The centres of what was assigned. @param {readonly Float64Array[]} sums of the parts, in their order */
function moved(sums) {
  const centroids = new Float64Array(centres * dimensions)
  const all = sums.reduce((total, part) => total.map((sum, i) => sum + part[i]))
  for (let centre = 0; centre < centres; centre++) {
    const at = centre * (dimensions + 1)
    for (let d = 0; d < dimensions; d++) centroids[centre * dimensions + d] = all[at + d] / Math.max(1, all[at + dimensions])
  }
  return centroids
}

const contained = workers(
  import.meta.url,
  {
    /** @param {Omit<Part, 'points'> & { points: import('heddle').Broadcast<Float64Array> }} part */
    assignPart: ({ points, ...part }) => assign({ points: points.value, ...part }),
  },
  consent(import.meta.url),
)

/** @type {Float64Array} */
let kept
export const byHand = {
  keep: (/** @type {Float64Array} */ points) => void (kept = points),
  assignAll: (/** @type {Omit<Part, 'points'>[]} */ ranges) => ranges.map((range) => assign({ ...range, points: kept })),
}

/** @param {Float64Array} points */
function rangesOf(points) {
  const size = points.length / dimensions / parts
  return Array.from({ length: parts }, (_, i) => ({ from: Math.round(i * size), to: Math.round((i + 1) * size) }))
}

/** @param {Float64Array} points @param {(centroids: Float64Array) => readonly Float64Array[] | Promise<readonly Float64Array[]>} assignAll */
async function clustered(points, assignAll) {
  let centroids = points.slice(0, centres * dimensions)
  for (let round = 0; round < rounds; round++) centroids = moved(await assignAll(centroids))
  return centroids
}

/** @type {Record<string, import('./program.mjs').Program<number, Float64Array>>} */
export const programs = {
  'k-means': {
    sizes: { small: 40_000, full: 400_000 },
    prepare: (n) => Float64Array.from({ length: n * dimensions }, randomFrom(5)),
    loop: (points) => clustered(points, (centroids) => rangesOf(points).map((range) => assign({ points, centroids, ...range }))),
    async heddle(points) {
      const everywhere = broadcast(points)
      const result = await clustered(points, (centroids) =>
        map(
          rangesOf(points).map((range) => ({ points: everywhere, centroids, ...range })),
          contained.assignPart,
        ),
      )
      everywhere.dispose()
      return result
    },
    async byHand(points, hand) {
      await Promise.all([hand.call(0, 'keep', [points]), hand.call(1, 'keep', [points])])
      return clustered(points, async (centroids) =>
        (
          await hand.halves(
            'assignAll',
            rangesOf(points).map((range) => ({ centroids, ...range })),
          )
        ).flat(),
      )
    },
    wanted: { overLoop: 1.8 },
  },
}
