// @ts-check
/**
 * The part of the global object that heddle needs, taken when heddle is loaded. Fake timers of test frameworks put functions of their own there, which do
 * nothing until a test says so; a stream, a lock or a worker call must go on all the same. So no other file reads these names from the global
 * object: `globals.test.ts` sees to it.
 *
 * Plain JavaScript, because the workers' side loads it too, and so does the offline report, in a browser.
 */

/** Where Node has them, also where a framework replaced the global ones before heddle was loaded. */
const builtin = globalThis.process?.getBuiltinModule

export const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate } =
  builtin?.('node:timers') ?? globalThis
export const { queueMicrotask } = globalThis

const clock = builtin?.('node:perf_hooks').performance ?? globalThis.performance

/** Bound, because the methods of the object may be replaced as well. */
export const performance = {
  now: clock.now.bind(clock),
  timeOrigin: clock.timeOrigin,
  eventLoopUtilization: /** @type {typeof clock.eventLoopUtilization} */ (clock.eventLoopUtilization?.bind(clock)),
}
