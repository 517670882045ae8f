/** What user code may throw or give, at its worst: values that throw when somebody looks at them. */

const fields = ['status', 'statusCode', 'code', 'name', 'message', 'stack', 'cause', 'response', 'headers', 'responseHeaders', 'retryAfter', 'retryAfterMs', 'hint', 'toString', 'toJSON'] // prettier-ignore

export function thrower(): never {
  throw new Error('a getter of the user')
}

/** An error all of whose fields throw when somebody looks. */
function untouchable(): Error {
  const error = new Error('untouchable')
  // The engine renders it once, and looks at the fields for that.
  void error.stack
  for (const field of fields) Object.defineProperty(error, field, { get: thrower, set: thrower, configurable: true })
  Object.defineProperty(error, Symbol.toStringTag, { get: thrower })
  Object.defineProperty(error, Symbol.for('heddle.error'), { get: thrower })
  return error
}

export const traps = Object.fromEntries(
  Reflect.ownKeys(Reflect)
    .filter((key) => key !== Symbol.toStringTag)
    .map((key) => [key, thrower]),
)

export function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

function circular(): Error {
  const [a, b] = [new Error('a'), new Error('b')]
  a.cause = b
  b.cause = a
  return a
}

/** What a user may throw. The outcome is to be the very same. */
export const thrown: Readonly<Record<string, () => unknown>> = {
  undefined: () => undefined,
  null: () => null,
  'a number': () => 7,
  NaN: () => Number.NaN,
  text: () => 'text',
  'a symbol': () => Symbol('thrown'),
  'a bigint': () => 7n,
  'a function': () => thrower,
  'an object': () => ({ message: 'no error' }),
  'an object without a prototype': () => Object.create(null) as object,
  'a frozen error': () => Object.freeze(new Error('frozen')),
  'an error whose causes are a circle': circular,
  'an error whose fields throw': untouchable,
  'an error whose status throws': () =>
    Object.defineProperty(new Error('x'), 'status', {
      get(this: { response: { status: number } }) {
        return this.response.status
      },
    }),
  'an error whose headers throw': () => Object.assign(new Error('x'), { headers: { get: thrower } }),
  'an error whose retryAfter has no text': () => Object.assign(new Error('x'), { retryAfter: Object.create(null) as unknown }),
  'a proxy whose every trap throws': () => new Proxy({}, traps),
  'a proxy of an error': () => new Proxy(new Error('x'), traps),
  'a revoked proxy': revoked,
  'an error with a symbol as name': () => Object.assign(new Error('x'), { name: Symbol('name') as unknown as string }),
  'an error that is a thenable': () => Object.assign(new Error('x'), { then: (resolve: (value: unknown) => void) => resolve(1) }), // oxlint-disable-line unicorn/no-thenable
}
