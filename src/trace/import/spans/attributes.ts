/**
 * The attributes that say what a span called and where its code is, in the names of OpenTelemetry's semantic conventions, old and new, and of
 * OpenTracing. All others are skipped as they are read.
 */

/** One meaning per slot, whatever it was called. */
const names = {
  service: ['service.name'],
  host: ['host.name', 'hostname', 'k8s.pod.name', 'service.instance.id', 'ip'],
  dbSystem: ['db.system', 'db.system.name', 'db.type'],
  dbStatement: ['db.statement', 'db.query.text', 'sql.query'],
  dbOperation: ['db.operation', 'db.operation.name'],
  dbTable: ['db.sql.table', 'db.collection.name', 'db.mongodb.collection', 'db.cassandra.table', 'aws.dynamodb.table_names'],
  httpMethod: ['http.method', 'http.request.method'],
  httpUrl: ['http.url', 'url.full', 'http.target', 'url.path', 'http.path'],
  httpRoute: ['http.route', 'url.template'],
  rpcSystem: ['rpc.system', 'rpc.system.name', 'grpc.method_type'],
  rpcService: ['rpc.service'],
  rpcMethod: ['rpc.method', 'grpc.method', 'grpc.path'],
  messaging: ['messaging.system'],
  messagingOperation: ['messaging.operation', 'messaging.operation.type', 'messaging.operation.name'],
  destination: ['messaging.destination', 'messaging.destination.name', 'message_bus.destination'],
  modelProvider: ['gen_ai.system', 'gen_ai.provider.name', 'llm.vendor', 'ai.model.provider'],
  modelOperation: ['gen_ai.operation.name', 'llm.request.type', 'ai.operationId'],
  model: ['gen_ai.request.model', 'llm.request.model', 'ai.model.id'],
  codeFunction: ['code.function', 'code.function.name'],
  codeNamespace: ['code.namespace'],
  codeFile: ['code.filepath', 'code.file.path'],
  codeLine: ['code.lineno', 'code.line.number'],
  peer: ['peer.service', 'server.address', 'net.peer.name', 'peer.address', 'peer.hostname'],
  kind: ['span.kind'],
  error: ['error', 'error.type'],
  resource: ['resource.name'],
} as const

export type AttributeName = keyof typeof names

export const slots: Readonly<Record<AttributeName, number>> = Object.fromEntries(
  Object.keys(names).map((name, slot) => [name, slot]),
) as Record<AttributeName, number>

/** The slot of an attribute by its name in a trace. */
const slotOf: ReadonlyMap<string, number> = new Map(
  Object.values(names).flatMap((aliases, slot) => aliases.map((alias) => [alias, slot] as const)),
)

export const slotCount = Object.keys(names).length

export const attributeSlot = (name: string): number => slotOf.get(name) ?? -1

/** The known attributes of one span; made once and used for all. */
export class Attributes {
  readonly values: string[] = Array.from({ length: slotCount }, () => '')

  /** Slots that have a value, in the order in which they came. */
  readonly #taken: number[] = []

  clear(): void {
    for (const slot of this.#taken) this.values[slot] = ''
    this.#taken.length = 0
  }

  /** The same text for the same attributes in the same order. */
  key(): string {
    let key = ''
    for (const slot of this.#taken) key += `\n${slot} ${this.values[slot]}`
    return key
  }

  /** The first value counts: new names and old ones may both be there. */
  set(name: string, value: unknown): void {
    const slot = attributeSlot(name)
    if (slot >= 0) this.put(slot, value)
  }

  put(slot: number, value: unknown): void {
    if (this.values[slot] !== '') return
    const text = typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
    if (text === '') return
    this.values[slot] = text
    this.#taken.push(slot)
  }

  get(name: AttributeName): string {
    return this.values[slots[name]] ?? ''
  }

  /** `file:line function`, as far as it is known. */
  code(): string {
    const [file, line, namespace, fn] = [
      this.get('codeFile'),
      this.get('codeLine'),
      this.get('codeNamespace'),
      this.get('codeFunction'),
    ]
    const place = file !== '' && line !== '' ? `${file}:${line}` : file
    const name = namespace !== '' && fn !== '' && !fn.includes(namespace) ? `${namespace}.${fn}` : fn
    return place !== '' && name !== '' ? `${place} ${name}` : place || name
  }
}
