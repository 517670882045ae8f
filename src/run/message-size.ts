/**
 * About how many bytes a value takes when it is copied to another thread. Looks at a bounded number of its parts and takes the rest of a
 * list to be like those it has seen, so that it costs far less than the copying. Shared memory and buffers that have moved count nothing.
 */

/** Parts of one value that are looked at; chosen so that measuring stays at microseconds. */
const partsMax = 64
const numberBytes = 8

export function messageBytes(value: unknown): number {
  if (typeof value === 'number' || value === null || value === undefined) return numberBytes
  if (typeof value === 'string') return textBytes(value)
  try {
    return new Measure().bytes(value)
  } catch {
    // A getter may throw; then the value cannot be sent either.
    return 0
  }
}

/** V8 stores a text as one byte per letter where it can; telling which would cost reading it. */
const textBytes = (text: string): number => text.length

class Measure {
  #left = partsMax

  bytes(value: unknown): number {
    this.#left--
    if (typeof value === 'string') return textBytes(value)
    if (typeof value !== 'object' || value === null) return numberBytes
    if (ArrayBuffer.isView(value)) return value.buffer instanceof ArrayBuffer ? value.byteLength : 0
    if (value instanceof ArrayBuffer) return value.byteLength
    if (typeof SharedArrayBuffer !== 'undefined' && value instanceof SharedArrayBuffer) return 0
    if (Array.isArray(value)) return this.#list(value, value.length)
    if (value instanceof Map) return this.#list(value.entries(), value.size)
    if (value instanceof Set) return this.#list(value, value.size)
    return this.#object(value as Record<string, unknown>)
  }

  #list(items: Iterable<unknown>, length: number): number {
    let [sum, seen] = [0, 0]
    for (const item of items) {
      if (this.#left <= 0) break
      sum += this.bytes(item)
      seen++
    }
    return seen === 0 ? length * numberBytes : (sum / seen) * length
  }

  #object(value: Record<string, unknown>): number {
    let sum = 0
    for (const key in value) {
      if (this.#left <= 0) break
      if (Object.hasOwn(value, key)) sum += key.length + this.bytes(value[key])
    }
    return sum
  }
}
