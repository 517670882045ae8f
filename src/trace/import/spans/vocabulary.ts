/** The kinds of spans, in one vocabulary for all formats. Tables hold places in these lists. */

/** Kinds of OpenTelemetry, in its order; 0 is unspecified. */
export const spanKinds = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const
export type SpanKind = (typeof spanKinds)[number]

export const categories = ['internal', 'database', 'cache', 'http', 'rpc', 'model', 'messaging', 'call', 'task', 'test'] as const
export type Category = (typeof categories)[number]

/** The effect of a call on the other side. */
export const accesses = ['unknown', 'read', 'write'] as const
export type Access = (typeof accesses)[number]

export const flag = {
  failed: 1,
  /** It follows its parent, which did not wait for it: a consumer of a message, a reference `FOLLOWS_FROM`. */
  follows: 2,
  /** A pause on purpose: a sleep, a back-off. */
  pause: 4,
  /** One page of a list, which is known only when the page before it is there. */
  page: 8,
  /** Begins or ends a transaction. */
  transaction: 16,
  /** Its needs are known (a task graph): the table `needs` has all of them. */
  needsKnown: 32,
} as const

export interface Operation {
  readonly category: Category
  readonly access: Access
  /** Without what differs from call to call, so that equal calls have equal texts. */
  readonly detail: string
  /** Bits of {@link flag}: `pause`, `page`, `transaction`. */
  readonly flags: number
}
