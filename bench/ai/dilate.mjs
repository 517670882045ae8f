/**
 * Makes this process live faster: its timers and clocks run `scale` times as fast, so that minutes of waiting for rate limits
 * take seconds for every contender alike. Only the work of the processor is not sped up, so a scale that is too large counts against
 * whoever works more per call.
 * @param {number} scale
 */
export function dilate(scale) {
  const { setTimeout: realTimeout, setInterval: realInterval, Date: RealDate } = globalThis
  const realNow = performance.now.bind(performance)
  const [start, date] = [realNow(), RealDate.now()]
  const scaled = (real) =>
    Object.assign((run, ms = 0, ...args) => real(run, Math.min(ms / scale, 2 ** 31 - 1), ...args), {
      // util.promisify(setTimeout) finds its promise version here.
      [Symbol.for('nodejs.util.promisify.custom')]: (ms = 0, value = undefined) =>
        new Promise((resolve) => realTimeout(resolve, ms / scale, value)),
    })
  globalThis.setTimeout = /** @type {any} */ (scaled(realTimeout))
  globalThis.setInterval = /** @type {any} */ (scaled(realInterval))
  Object.defineProperty(performance, 'now', { value: () => start + (realNow() - start) * scale, configurable: true })
  RealDate.now = () => date + (realNow() - start) * scale
}
