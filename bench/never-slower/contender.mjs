/** How a contender of never-slower is measured. */

/** As long as the compilers need for the path of a map, and as often at least. Chosen. */
const [warmUpMs, warmUpRuns] = [300, 20]
/** A sample is as many runs as fit into this, three at least. Chosen. */
const [sampleMs, sampleRuns] = [60, 3]
/** Of long runs, neither warming up nor a sample takes longer than this, but for the run that is under way. Chosen. */
const longestMs = 1_000

/**
 * Warm when it is opened. A sample is the median of as many runs as fit into a moment; the event loop is looked at in a run of its own, so
 * that no timer is in the way of the others.
 * @param {() => unknown} run @param {() => unknown} [close]
 */
export async function contender(run, close) {
  const since = stopwatch()
  for (let i = 0; since() < warmUpMs || (i < warmUpRuns && since() < longestMs); i++) await run()
  return { measure: async () => ({ figure: await medianMs(run), 'loop held ms': await heldMs(run) }), ...(close && { close }) }
}

/** @param {() => unknown} run */
async function medianMs(run) {
  const times = []
  const since = stopwatch()
  for (let i = 0; (i < 500 && since() < sampleMs) || (i < sampleRuns && since() < longestMs); i++) {
    const ms = stopwatch()
    await run()
    times.push(ms())
  }
  return times.sort((a, b) => a - b)[times.length >> 1]
}

/** The longest time for which a run held the event loop. @param {() => unknown} run */
async function heldMs(run) {
  let held = 0
  let last = performance.now()
  const look = () => {
    held = Math.max(held, performance.now() - last)
    last = performance.now()
  }
  const ticks = setInterval(look, 1)
  await run()
  look()
  clearInterval(ticks)
  return held
}

function stopwatch() {
  const began = performance.now()
  return () => performance.now() - began
}
