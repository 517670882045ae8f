/**
 * What the shape and the name of a call say where nobody knows the function. All of it is weak: it may make a finding likely, never proven.
 */
import type { Known, KnownCall } from './known.ts'
import { prisma } from './libraries.ts'

const reading =
  `get fetch load read find list query search count lookup look retrieve describe download resolve parse stat select is has can should head
   exists contains includes peek current inspect detect determine check compare match extract measure estimate scan collect gather
   preview infer calculate compute verify decode json text blob arrayBuffer formData safe aggregate`.split(/\s+/)
const computing =
  `to as from of at with format normalize calc test transform convert serialize deserialize stringify encode hash digest sanitize escape
   unescape strip trim pick omit clone diff merge map filter reduce sort group order flatten chunk uniq unique min max sum slice split join
   concat use t translate derive generate make build create define render now any all some every plain array string number boolean key
   keys value values entries equals index wrap unwrap compile capitalize camel kebab snake slugify pluralize slug parse validate assert
   invariant nullthrows classnames plural new`.split(/\s+/)
const writing =
  `set save update create insert delete del remove destroy write put post patch send publish emit dispatch notify push add append
   register unregister enqueue trigger mutate upsert store persist commit rollback apply revoke reset clear clean flush close open connect
   disconnect start stop kill run exec execute install uninstall init initialize setup prepare migrate seed sync mark move rename upload
   subscribe unsubscribe login logout cancel approve reject pay charge refund capture transfer invalidate revalidate purge evict lock unlock
   acquire release wait sleep delay enable disable toggle attach detach bind link unlink mount track record report increment decrement
   ensure process handle perform archive restore mutation generate next shift pop consume drain spawn import redirect navigate goto click
   type press begin end submit confirm sign assign merge checkout pull fill queue schedule deploy build bulk batch step`.split(
    /\s+/,
  )

const [reads, computes, writes] = [new Set(reading), new Set(computing), new Set(writing)]

/** `findManyUsers` is `['find', 'many', 'users']`. */
function wordsOf(name: string): string[] {
  return name
    .replace(/^[_#$]+/, '')
    .replaceAll('-', ' ')
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .split(/[\s_]+/)
    .map((word) => word.toLowerCase())
}

function firstWord(name: string): string {
  // `commands['approve-builds']` is `commands.approve-builds`.
  const last =
    name
      .replace(/\[['"`]([^'"`]*)['"`]\]/g, '.$1')
      .split('.')
      .at(-1) ?? ''
  return wordsOf(last)[0] ?? ''
}

/** The first word of a name reads something. */
export function soundsLikeReading(name: string): boolean {
  return reads.has(firstWord(name)) || /^(?:arrayBuffer|formData)$/.test(name.split('.').at(-1) ?? '')
}

/** The first word of a name changes something. */
export function soundsLikeWriting(name: string): boolean {
  return writes.has(firstWord(name)) || /^(?:getOr|findOr)(?:Create|Set|Insert|Add)|OrCreate/.test(name.split('.').at(-1) ?? '')
}

/** How a call is made. */
export interface Manner {
  readonly awaited: boolean
  readonly constructed: boolean
  /** It is a function of a package, not of the project. */
  readonly library: boolean
}

/** Nothing that is shared changes: it reads, or it computes a value at once. */
export function looksHarmless(name: string, { awaited, constructed, library }: Manner): boolean {
  if (soundsLikeReading(name)) return !soundsLikeWriting(name)
  if (awaited) return false
  if (constructed || computes.has(firstWord(name))) return true
  return library && !soundsLikeWriting(name)
}

const logMethods = new Set('log info debug warn error trace verbose fatal notice success silly'.split(' '))
const loggers = /^(?:log|logger|\w*Logger|console|debug|output|reporter)$/
const prismaOnly =
  /^(?:find(?:Many|First|Unique|FirstOrThrow|UniqueOrThrow)|createMany(?:AndReturn)?|updateMany(?:AndReturn)?|upsert|deleteMany|groupBy|aggregate|\$transaction|\$queryRaw|\$queryRawUnsafe|\$executeRaw|\$executeRawUnsafe)$/
const prismaToo = /^(?:create|update|delete|count)$/
const databases = /^(?:prisma\w*|db|database|client|tx|trx)$/i
const handles = /^(?:tx|trx|transaction|\w+Tx|\w+Trx|queryRunner|entityManager)$/

/** Classes whose instances are rows: Sequelize, Mongoose, TypeORM and Objection have such methods. */
const rowReads =
  /^(?:find(?:All|One|ByPk|ById|AndCountAll|OneBy|By|OneOrFail|AndCount)|count|countDocuments|exists|aggregate|distinct|query)$/
const rowWrites =
  /^(?:create|bulkCreate|insertMany|insert|update|updateOne|updateMany|findOneAndUpdate|findByIdAndUpdate|findOrCreate|findByIdAndDelete|findOneAndDelete|destroy|deleteOne|deleteMany|delete|upsert|increment|decrement|truncate|save)$/
const telemetry = /^(?:sentry|tracer|span|currentSpan|metrics?|statsd|telemetry|posthog|scope)$/i
const people = /^(?:inquirer|enquirer|prompts?|prompter|readline|rl)$/
const queries = /^(?:execute|executeTakeFirst|executeTakeFirstOrThrow|all|get|run|then)$/

/** What is said to one page of a browser, which does one thing after the other. */
const pageCalls =
  /^(?:screenshot|ariaSnapshot|goto|reload|click|fill|type|press|hover|evaluate\w*|waitFor\w*|setContent|setViewport\w*|viewportSize|\$\w*|pdf)$/

/** A message on a connection, and an event: who listens sees the order. */
export function speaksInOrder(name: string): boolean {
  return (
    /(?:^|\.)_?(?:connection|conn|socket|ws|channel|stream|session|transport|port|peer|terminal|writer|response|reply)\.\w+$/i.test(
      name,
    ) || /(?:^|\.)(?:on[A-Z]\w*|callback|cb|listener|handler|hook|subscriber)$/.test(name)
  )
}

/** A call that leaves the function: what comes later may not run. */
export function leavesByName(name: string): boolean {
  return /^(?:throw|fail|panic|abort|bail|die|exit|redirect|notFound|unauthorized|forbidden|never|unreachable)(?:$|[A-Z_])/.test(
    name.split('.').at(-1) ?? '',
  )
}

/** Calls that only one library has in practice: `prisma.user.findMany()`, `logger.info()`, a call on a transaction. */
export function knownByShape(call: KnownCall): Known | undefined {
  const name = call.chain.at(-1) ?? ''
  const before = call.chain.at(-2)
  if (before === undefined) return loggers.test(name) && name !== 'output' ? { writes: ['@console'] } : undefined
  if (logMethods.has(name) && loggers.test(before)) return { writes: ['@console'] }
  const owners = call.chain.slice(0, -1)
  if (owners.some((part) => handles.test(part))) return { ordered: 'it is part of a transaction', waits: true, throws: true }
  if (telemetry.test(before)) return {}
  if (/^_?page$/i.test(before) && pageCalls.test(name)) return { ordered: 'it is a browser page', waits: true, throws: true }
  if (people.test(before)) return { ordered: 'it asks a person', waits: true }
  if (prismaOnly.test(name) || (prismaToo.test(name) && owners.slice(0, -1).some((part) => databases.test(part)))) {
    return prisma({ ...call, path: call.chain })
  }
  if (queries.test(name)) return queryOf(owners)
  if (/^[A-Z]/.test(before)) {
    const place = `@db.${before}`
    if (rowReads.test(name)) return { reads: [place], waits: true, throws: true }
    if (rowWrites.test(name)) return { reads: [place], writes: [place], waits: true, throws: true }
  }
  return undefined
}

/** Kysely and Drizzle: the steps of a chain say what the query does. */
function queryOf(steps: readonly string[]): Known | undefined {
  if (steps.some((step) => /^(?:insertInto|updateTable|deleteFrom|replaceInto|mergeInto)$/.test(step))) {
    return { reads: ['@db'], writes: ['@db'], waits: true, throws: true }
  }
  return steps.includes('selectFrom') || (steps.includes('select') && steps.includes('from'))
    ? { reads: ['@db'], waits: true, throws: true }
    : undefined
}
