/**
 * What calls of Node's modules, of globals and of widely used libraries read and write of the world outside. One table per module: a new
 * library is a new entry of `modules`.
 */
export interface KnownCall {
  /** From the module's export to what is called, with the methods of what it made: `['Pool', 'query']`. */
  readonly path: readonly string[]
  /** The names in the source that lead to what is called: `['this', 'users', 'find']`. */
  readonly chain: readonly string[]
  /** The text of an argument where the source says it. */
  text(argument: number): string | undefined
  /** An argument as the source writes it. */
  source(argument: number): string
  /** The name of the class that an argument constructs: `new GetObjectCommand(…)`. */
  constructed(argument: number): string | undefined
  /** The text of a property of an argument that is an object literal. */
  option(argument: number, name: string): string | undefined
}

export interface Known {
  readonly reads?: readonly string[]
  readonly writes?: readonly string[]
  /** It waits for the outside, so that something else could run meanwhile. */
  readonly waits?: boolean
  /** Why it keeps its place. */
  readonly ordered?: string
  /** Runs the functions that it is given before it returns or settles. */
  readonly calls?: boolean
  readonly throws?: boolean
  /** The argument that it changes. */
  readonly changes?: number
}

type Table = (call: KnownCall) => Known | undefined

const nothing: Known = {}
const readsOutside = (place: string): Known => ({ reads: [place], waits: true, throws: true })
const writesOutside = (place: string): Known => ({ reads: [place], writes: [place], waits: true, throws: true })
const ordered = (why: string): Known => ({ ordered: why, waits: true, throws: true })

/** A constant as one step of a place: dots would divide it. */
const step = (text: string | undefined): string => (text === undefined ? '*' : text.replaceAll('.', '·') || '*')
/** A path as steps, so that a folder stands for what is in it. */
const filePlace = (text: string | undefined): string => {
  const steps = text?.split(/[\\/]+/).filter((part) => part !== '' && part !== '.')
  return `@fs.${steps && steps.length > 0 && !steps.includes('..') ? steps.map(step).join('.') : '*'}`
}
const last = (path: readonly string[]): string => path.at(-1) ?? ''

const fileReads = new Set(
  'access exists existsSync lstat open opendir pathExists readdir readFile readJson readJSON readlink realpath stat glob readlines'.split(
    ' ',
  ),
)
const fileWrites = new Set(
  `appendFile chmod chown copyFile cp copy emptyDir ensureDir ensureFile link mkdir mkdirp mkdtemp move outputFile outputJson remove
   rename rm rmdir symlink truncate unlink utimes writeFile writeJson writeJSON`.split(/\s+/),
)

function files(call: KnownCall): Known | undefined {
  const name = last(call.path).replace(/Sync$/, '')
  const synchronous = last(call.path).endsWith('Sync')
  const place = filePlace(call.text(0))
  const waits = !synchronous
  if (fileReads.has(name)) return { reads: [place], waits, throws: true }
  if (!fileWrites.has(name)) return undefined
  const target = filePlace(call.text(1))
  if (name === 'copyFile' || name === 'cp' || name === 'copy') return { reads: [place], writes: [target], waits, throws: true }
  if (name === 'rename' || name === 'move' || name === 'link') return { writes: [place, target], waits, throws: true }
  return { writes: [place], waits, throws: true }
}

const idempotentMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/** `fetch(url, { method })` and its relatives. */
function request(call: KnownCall): Known {
  const method = (call.option(1, 'method') ?? call.option(0, 'method') ?? 'GET').toUpperCase()
  const place = `@net.${step(call.text(0))}`
  return idempotentMethods.has(method) ? readsOutside(place) : writesOutside(place)
}

/** `axios.get(url)`, `got.post(url)`. */
function httpClient(call: KnownCall): Known | undefined {
  const name = last(call.path)
  const place = `@net.${step(call.text(0))}`
  if (['get', 'head', 'options'].includes(name)) return readsOutside(place)
  if (['post', 'put', 'patch', 'delete', 'postForm'].includes(name)) return writesOutside(place)
  if (['create', 'extend', 'isAxiosError', 'isCancel'].includes(name)) return nothing
  return call.path.length === 0 || name === 'request' ? request(call) : undefined
}

const readVerb =
  /^(?:get|find|list|read|fetch|count|exists?|has|is|aggregate|group|distinct|search|query|describe|head|retrieve|lookup|select|first|stat|scan|batchGet)(?:$|[A-Z0-9_])/

/** Clients whose methods say in their first word whether they read: `getX`, `listX` against `createX`, `updateX`. */
const byVerb =
  (place: (call: KnownCall) => string): Table =>
  (call) => {
    const name = last(call.path)
    return readVerb.test(name) ? readsOutside(place(call)) : writesOutside(place(call))
  }

export function prisma(call: KnownCall): Known | undefined {
  const name = last(call.path)
  if (name === '$transaction') return ordered('it is a transaction')
  if (name.startsWith('$queryRaw')) return readsOutside('@db')
  if (name.startsWith('$')) return writesOutside('@db')
  const model = call.path.at(-2)
  if (model === undefined || call.path.length < 2) return undefined
  // A relation reads other models too.
  const related = /\b(?:include|some|every|none|is|isNot|connect|disconnect|_count)\s*:|\bselect\s*:\s*\{[^}]*\{/.test(
    call.source(0),
  )
  if (readVerb.test(name)) return readsOutside(related ? '@db' : `@db.${model}`)
  return { reads: [related ? '@db' : `@db.${model}`], writes: [`@db.${model}`], waits: true, throws: true }
}

/** SQL says by its first word what it does. */
function sql(call: KnownCall): Known | undefined {
  const name = last(call.path)
  if (name === 'connect' || name === 'end' || name === 'release') return ordered('it opens or closes a connection')
  if (name !== 'query' && name !== 'execute') return undefined
  // One connection runs one statement after the other, so that nothing is gained.
  if (call.path.some((part) => /client|connection/i.test(part))) return ordered('one connection runs one statement at a time')
  const text = call.text(0)?.trim()
  if (text === undefined) return writesOutside('@db')
  if (/^(?:begin|commit|rollback|savepoint|start)\b/i.test(text)) return ordered('it is a transaction')
  return /^(?:select|with|show|explain)\b/i.test(text) && !/\bfor\s+update\b/i.test(text)
    ? readsOutside('@db')
    : writesOutside('@db')
}

const queryWrites = new Set([
  'insert',
  'update',
  'delete',
  'del',
  'into',
  'truncate',
  'increment',
  'decrement',
  'upsert',
  'onConflict',
])

/** Query builders: a chain that contains a writing step writes. */
function queryBuilder(call: KnownCall): Known | undefined {
  if (call.path.some((part) => /^transact|^trx$/.test(part))) return ordered('it is a transaction')
  return call.path.some((part) => queryWrites.has(part)) ? writesOutside('@db') : readsOutside('@db')
}

const redisReads =
  /^(?:get|mget|hget|hgetall|hmget|exists|keys|scan|ttl|pttl|smembers|sismember|scard|zrange|zscore|zcard|lrange|llen|strlen|type|xrange|xlen)/i

const redis: Table = (call) => {
  const name = last(call.path)
  if (name === 'multi' || name === 'pipeline' || name === 'watch') return ordered('it is a transaction')
  const place = `@net.redis.${step(call.text(0))}`
  return redisReads.test(name) ? readsOutside(place) : writesOutside(place)
}

const aws: Table = (call) => {
  if (last(call.path) !== 'send') return nothing
  const command = call.constructed(0)
  if (command === undefined) return writesOutside('@net.aws')
  return /^(?:Get|List|Describe|Head|Query|Scan|BatchGet|Select)/.test(command)
    ? readsOutside('@net.aws')
    : writesOutside('@net.aws')
}

const stripe: Table = (call) =>
  /^(?:retrieve|list|search)/.test(last(call.path)) ? readsOutside('@net.stripe') : writesOutside('@net.stripe')

const octokit: Table = (call) => {
  const name = last(call.path)
  if (name === 'graphql')
    return /\bmutation\b/.test(call.text(0) ?? '') ? writesOutside('@net.github') : readsOutside('@net.github')
  if (name === 'request' || name === 'paginate')
    return /^(?:GET|HEAD)\b/.test(call.text(0) ?? 'GET') ? readsOutside('@net.github') : writesOutside('@net.github')
  return /^(?:get|list|check|compare|search|repos$|issues)/.test(name)
    ? readsOutside('@net.github')
    : writesOutside('@net.github')
}

const models: Table = () => readsOutside('@net.model')
const program: Table = () => ({ reads: ['@fs', '@process'], writes: ['@fs', '@process'], waits: true, throws: true })
const page: Table = () => ordered('a browser page does one thing after the other')
const prompt: Table = () => ordered('it asks a person')
const pure: Table = () => nothing

const logs: Table = () => ({ writes: ['@console'] })
const hashing: Table = (call) => (last(call.path).endsWith('Sync') ? nothing : { reads: ['@random'], waits: true, throws: true })

const typeorm: Table = (call) =>
  /transaction/i.test(last(call.path)) ? ordered('it is a transaction') : byVerb(() => '@db')(call)

const modules: Readonly<Record<string, Table>> = {
  fs: files,
  'fs/promises': files,
  'fs-extra': files,
  'graceful-fs': files,
  child_process: program,
  execa: program,
  zx: program,
  path: pure,
  url: pure,
  util: pure,
  os: pure,
  crypto: (call) => (/^(?:random|scrypt|pbkdf2|generateKey)/.test(last(call.path)) ? { reads: ['@random'] } : nothing),
  'timers/promises': () => ordered('it waits on purpose'),
  readline: prompt,
  'readline/promises': prompt,
  inquirer: prompt,
  enquirer: prompt,
  prompts: prompt,
  '@clack/prompts': prompt,
  'node-fetch': request,
  undici: (call) => (['fetch', 'request'].includes(last(call.path)) ? request(call) : undefined),
  axios: httpClient,
  got: httpClient,
  ky: httpClient,
  superagent: httpClient,
  '@prisma/client': prisma,
  pg: sql,
  mysql2: sql,
  'mysql2/promise': sql,
  knex: queryBuilder,
  kysely: queryBuilder,
  'drizzle-orm': (call) => (call.path.length > 1 ? queryBuilder(call) : nothing),
  typeorm,
  mongoose: byVerb(() => '@db'),
  mongodb: byVerb(() => '@db'),
  ioredis: redis,
  redis,
  stripe,
  '@octokit/rest': octokit,
  '@octokit/core': octokit,
  octokit,
  '@actions/github': octokit,
  openai: models,
  '@anthropic-ai/sdk': models,
  ai: models,
  playwright: page,
  'playwright-core': page,
  '@playwright/test': page,
  puppeteer: page,
  'fast-glob': () => readsOutside('@fs'),
  globby: () => readsOutside('@fs'),
  glob: () => readsOutside('@fs'),
  tinyglobby: () => readsOutside('@fs'),
  'find-up': () => readsOutside('@fs'),
  'read-yaml-file': (call) => readsOutside(filePlace(call.text(0))),
  lodash: (call) =>
    /^(?:debounce|throttle|set|assign|merge|defaults|pull|remove|unset)/.test(last(call.path)) ? undefined : { calls: true },
  chalk: pure,
  picocolors: pure,
  'ansi-colors': pure,
  'date-fns': pure,
  semver: pure,
  uuid: () => ({ reads: ['@random'] }),
  nanoid: () => ({ reads: ['@random'] }),
  zod: pure,
  'big.js': pure,
  micromatch: pure,
  'js-yaml': pure,
  sequelize: () => undefined,
  swr: (call) => (last(call.path) === 'mutate' ? writesOutside(`@net.swr.${step(call.text(0))}`) : undefined),
  winston: logs,
  pino: logs,
  debug: logs,
  bunyan: logs,
  consola: logs,
  loglevel: logs,
  rimraf: (call) => writesOutside(filePlace(call.text(0))),
  del: (call) => writesOutside(filePlace(call.text(0))),
  'make-dir': (call) => writesOutside(filePlace(call.text(0))),
  'write-file-atomic': (call) => writesOutside(filePlace(call.text(0))),
  'load-json-file': (call) => readsOutside(filePlace(call.text(0))),
  'read-pkg': () => readsOutside('@fs'),
  'read-package-up': () => readsOutside('@fs'),
  'path-exists': (call) => readsOutside(filePlace(call.text(0))),
  'symlink-dir': (call) => writesOutside(filePlace(call.text(1))),
  tmp: () => ({ reads: ['@fs', '@random'], waits: true }),
  resend: byVerb(() => '@net.mail'),
  nodemailer: (call) => (last(call.path) === 'sendMail' ? writesOutside('@net.mail') : nothing),
  '@sendgrid/mail': (call) => (last(call.path) === 'send' ? writesOutside('@net.mail') : nothing),
  bcrypt: hashing,
  bcryptjs: hashing,
  argon2: hashing,
  sharp: (call) => (last(call.path) === 'toFile' ? writesOutside(filePlace(call.text(0))) : { waits: true, throws: true }),
  'graphql-request': (call) => (last(call.path) === 'gql' ? nothing : writesOutside('@net')),
  ...Object.fromEntries(
    `upath slash ms bytes yaml ini semver-compare compare-versions validate-npm-package-name class-transformer class-validator dayjs moment
     luxon date-fns-tz ramda remeda fp-ts superjson zod-to-json-schema yup joi ajv valibot superstruct io-ts qs query-string
     fast-deep-equal dequal deepmerge defu ufo pathe mlly is-subdir strip-bom strip-ansi kleur colorette ansi-colors cli-truncate
     string-width wrap-ansi camelcase change-case decamelize slugify pluralize he html-entities escape-html marked markdown-it
     sanitize-html dompurify cheerio css-select jsonwebtoken jose fast-xml-parser papaparse csv-parse minimatch picomatch ignore
     file-type mime mime-types content-type etag fnv1a object-hash hash-wasm xxhash-wasm ts-pattern tslib immer nanostores
     bignumber.js decimal.js long ip-address ipaddr.js tldts psl isbot ua-parser-js linkifyjs @paralleldrive/cuid2 cuid ulid
     base64url bs58 @sindresorhus/is is-plain-obj clsx classnames tailwind-merge react react-dom/server`
      .split(/\s+/)
      .map((name) => [name, pure]),
  ),
}

const aliases: readonly (readonly [RegExp, Table])[] = [
  [/^@aws-sdk\//, aws],
  [/^@octokit\//, octokit],
  [/^lodash(?:[-./]|$)/, modules['lodash'] as Table],
  [/^drizzle-orm\//, modules['drizzle-orm'] as Table],
  [/^@prisma\//, prisma],
  [/^@ai-sdk\//, models],
]

/** @returns undefined where nobody knows what the call does */
export function knownCall(module: string, call: KnownCall): Known | undefined {
  const name = module.replace(/^node:/, '')
  const table = Object.hasOwn(modules, name) ? modules[name] : aliases.find(([pattern]) => pattern.test(name))?.[1]
  return table?.(call)
}

const consoleCall: Known = { writes: ['@console'] }

/** Globals, by the first name and what follows it. */
export function knownGlobal(call: KnownCall): Known | undefined {
  const [root = '', member] = call.path
  switch (root) {
    case 'fetch':
      return request(call)
    case 'console':
      return consoleCall
    case 'setTimeout':
    case 'setInterval':
    case 'setImmediate':
    case 'queueMicrotask':
      return { ordered: 'it waits on purpose' }
    case 'Promise':
      return { calls: true }
    case 'process':
      if (member === 'exit' || member === 'chdir' || member === 'kill')
        return { writes: ['@process'], ordered: 'it changes the process' }
      return member === 'stdout' || member === 'stderr' ? consoleCall : { reads: ['@process'] }
    case 'Math':
      return member === 'random' ? { reads: ['@random'] } : nothing
    case 'Date':
    case 'performance':
      return { reads: ['@clock'] }
    case 'JSON':
    case 'decodeURI':
    case 'decodeURIComponent':
      return { throws: true, calls: true }
    case 'Object':
      if (member === 'assign' || member === 'defineProperty' || member === 'defineProperties') return { changes: 0 }
      return member === 'setPrototypeOf' ? undefined : nothing
    case 'confirm':
    case 'alert':
    case 'prompt':
      return ordered('it asks a person')
    default:
      return pureGlobals.has(root) ? { calls: true } : undefined
  }
}

const pureGlobals = new Set(
  `Array Boolean Number String BigInt Symbol Intl parseInt parseFloat isNaN isFinite encodeURI encodeURIComponent structuredClone Map Set
   WeakMap WeakSet URL URLSearchParams Error TypeError RangeError SyntaxError RegExp Buffer TextEncoder TextDecoder Uint8Array Int8Array
   Uint16Array Int16Array Uint32Array Int32Array Float32Array Float64Array ArrayBuffer DataView AbortController Headers Request Response
   FormData Blob File atob btoa Reflect Proxy AggregateError DOMException URLPattern`.split(/\s+/),
)

/** Methods of builtins that change their receiver. */
export const changesReceiver: Readonly<Record<string, ReadonlySet<string>>> = {
  Array: new Set('push pop shift unshift splice sort reverse fill copyWithin'.split(' ')),
  Map: new Set('set delete clear append sort'.split(' ')),
  Set: new Set('add delete clear'.split(' ')),
  Date: new Set(['setTime', 'setFullYear', 'setMonth', 'setDate', 'setHours', 'setMinutes', 'setSeconds', 'setMilliseconds']),
  RegExp: new Set(['exec', 'test']),
}

/** Names that only builtins have in practice, for receivers of which nothing is known. */
export const builtinMethods: ReadonlySet<string> = new Set(
  `map filter reduce reduceRight some every find findIndex findLast flatMap flat includes indexOf lastIndexOf join slice concat at
   toSorted toReversed keys values entries trim trimStart trimEnd split toLowerCase toUpperCase startsWith endsWith padStart padEnd
   replace replaceAll match matchAll charAt charCodeAt codePointAt substring substr repeat toString toFixed toISOString localeCompare
   hasOwnProperty toJSON getTime valueOf normalize getFullYear getMonth getDate toLocaleString toLocaleDateString toPrecision isFile
   isDirectory isSymbolicLink json text arrayBuffer blob formData bytes subarray readUInt8 readUInt32LE getReader push pop shift unshift splice sort reverse fill forEach`.split(
    /\s+/,
  ),
)
export const changingMethods: ReadonlySet<string> = new Set('push pop shift unshift splice sort reverse fill'.split(' '))
