/** What calls of Node's modules and of widely used libraries read and write. One table per module: a new library is a new entry of `modules`. */
import { type Known, type KnownCall, nothing, ordered, pauses, readsOutside, step, type Table, writesOutside } from './known.ts'

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

/** `fetch(url, { method })` and its relatives; undefined where the options come from elsewhere, with a method that nobody sees. */
export function request(call: KnownCall): Known | undefined {
  const named = call.option(1, 'method') ?? call.option(0, 'method')
  if (named === undefined && call.hides(1)) return undefined
  const method = (named ?? 'GET').toUpperCase()
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

/** Jobs that a queue is given; their order is the order of their work only where one worker takes one at a time. */
const queue: Table = (call) =>
  /^add(?:Bulk)?$/.test(last(call.path)) ? writesOutside(`@net.queue.${step(call.text(0))}`) : byVerb(() => '@net.queue')(call)

const writesTo =
  (place: string): Table =>
  () =>
    writesOutside(place)

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
  'timers/promises': () => pauses,
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
  // Its hooks give things of all kinds.
  react: (call) => (call.path.length < 2 ? nothing : undefined),
  ioredis: redis,
  '@upstash/redis': redis,
  '@vercel/kv': redis,
  keyv: redis,
  redis,
  stripe,
  'p-limit': () => ({ calls: true, waits: true, throws: true }),
  'p-queue': (call) => (last(call.path) === 'add' ? { calls: true, waits: true, throws: true } : undefined),
  'p-retry': () => ({ calls: true, waits: true, throws: true }),
  bullmq: queue,
  bull: queue,
  '@upstash/qstash': writesTo('@net.qstash'),
  '@slack/web-api': byVerb(() => '@net.slack'),
  twilio: byVerb(() => '@net.twilio'),
  '@supabase/supabase-js': queryBuilder,
  '@elastic/elasticsearch': byVerb(() => '@net.search'),
  algoliasearch: byVerb(() => '@net.search'),
  meilisearch: byVerb(() => '@net.search'),
  '@tanstack/react-query': (call) =>
    /^(?:invalidate|refetch)/.test(last(call.path)) ? writesOutside(`@net.cache.${step(call.option(0, 'queryKey'))}`) : undefined,
  'next/cache': (call) =>
    last(call.path).startsWith('revalidate') ? { writes: [`@net.cache.${step(call.text(0))}`] } : undefined,
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
     base64url bs58 @sindresorhus/is is-plain-obj clsx classnames tailwind-merge react-dom/server @react-email/render @react-email/components
     pretty escape-string-regexp @lingui/core @lingui/macro @lingui/core/macro @t3-oss/env-nextjs`
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
  [/^@google-cloud\//, byVerb(() => '@net.google')],
  [/^@azure\//, byVerb(() => '@net.azure')],
  [/^@ai-sdk\//, models],
]

/** @returns undefined where nobody knows what the call does */
export function knownCall(module: string, call: KnownCall): Known | undefined {
  const name = module.replace(/^node:/, '')
  const table = Object.hasOwn(modules, name) ? modules[name] : aliases.find(([pattern]) => pattern.test(name))?.[1]
  return table?.(call)
}
