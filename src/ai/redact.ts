/** Takes keys out of what a provider or its client says: some repeat the key that they were sent in the message that it is wrong. */

/** Keys of the usual forms (`sk-…`, `sk-ant-…`, `AIza…`, `gsk_…`), and what stands in a header or a query where a key stands. */
const keys = /\b(?:sk|pk|rk|gsk|xai|hf|api|key)[-_][\w-]{8,}|\bAIza[\w-]{20,}|(?<=\bbearer\s+|[?&](?:api[-_]?)?key=)[^\s"'&]+/gi

export function withoutKeys(text: string): string {
  return text.replace(keys, (key) => `${key.slice(0, 3)}…`)
}

/** Deeper things are cut off: what a client throws is flat, and what it was sent may be anything. Chosen. */
const depthAtMost = 16

/**
 * The value as it is when there is no key in it; else a copy of it, and of the errors, plain objects and arrays in it, without them.
 * A copy of an error has its class, fields, causes and stack.
 */
export function redacted<T>(value: T): T {
  return holdsKey(value, new Set(), 0) ? (copy(value, new Map(), 0) as T) : value
}

function holdsKey(value: unknown, seen: Set<unknown>, depth: number): boolean {
  if (typeof value === 'string') return value.search(keys) >= 0
  if (!isOpen(value) || seen.has(value) || depth > depthAtMost) return false
  seen.add(value)
  if (value instanceof Error && String(value.stack).search(keys) >= 0) return true
  return Reflect.ownKeys(value).some((name) => {
    const { value: below } = Object.getOwnPropertyDescriptor(value, name) as PropertyDescriptor
    return holdsKey(name, seen, depth) || holdsKey(below, seen, depth + 1)
  })
}

function copy(value: unknown, copies: Map<object, object>, depth: number): unknown {
  if (typeof value === 'string') return withoutKeys(value)
  if (!isOpen(value)) return value
  if (depth > depthAtMost) return undefined
  const known = copies.get(value)
  if (known) return known
  const made: object = Array.isArray(value) ? [] : (Object.create(Object.getPrototypeOf(value) as object | null) as object)
  copies.set(value, made)
  for (const name of Reflect.ownKeys(value)) {
    if (name === 'stack' && value instanceof Error) continue
    const property = Object.getOwnPropertyDescriptor(value, name) as PropertyDescriptor
    if ('value' in property) property.value = copy(property.value, copies, depth + 1)
    Object.defineProperty(made, typeof name === 'string' ? withoutKeys(name) : name, property)
  }
  // From Node 21 on it belongs to the object that it was made for, and is found there by a getter.
  if (value instanceof Error)
    Object.defineProperty(made, 'stack', {
      value: withoutKeys(String(value.stack)),
      writable: true,
      configurable: true,
      enumerable: false,
    })
  return made
}

/** What can be looked into and copied: the state of everything else is its own affair. */
function isOpen(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value) || value instanceof Error) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}
