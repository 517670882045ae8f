// @ts-check
/** The classes of views of memory. In the order in which one is looked up: a `Buffer` is a `Uint8Array` too. @type {readonly any[]} */
export const viewClasses = [
  Buffer,
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
  ...('Float16Array' in globalThis ? [/** @type {any} */ (globalThis).Float16Array] : []),
]
