/** A process without a queue: gets lists of times, and computes for so long each. */
process.on('message', (/** @type {number[]} */ times) => {
  for (const ms of times) {
    const until = performance.now() + ms
    while (performance.now() < until);
  }
  process.send?.(times.length)
})
process.send?.('ready')
