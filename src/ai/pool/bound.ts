/**
 * Methods that know their object, however they are called. The AI SDK puts models of older versions behind a `Proxy`, and so do users: then
 * `this` is the proxy, which has no private fields.
 */
export function bindMethods<T extends object>(object: T, names: readonly (keyof T & string)[]): void {
  for (const name of names) {
    const method = object[name] as (...args: unknown[]) => unknown
    Object.defineProperty(object, name, { value: method.bind(object), writable: true, configurable: true, enumerable: false })
  }
}
