/**
 * What a span called, and whether that reads or writes: by attributes where there are any, else by the name of the span. Names decide only where they
 * are unmistakable; all else is `unknown`, which no finding takes for a read.
 */
import type { AttributeName, Attributes } from './attributes.ts'
import { type Access, type Category, flag, type Operation, type SpanKind } from './vocabulary.ts'

/** Longer statements differ in their first part too. */
const longestDetail = 300

const caches = /^(redis|valkey|memcached|memcache|hazelcast|ehcache|dragonfly|keydb)$/i
const sqlReads = /^(?:\(|\/\*.*?\*\/|--[^\n]*\n|\s)*(select|show|explain|describe|pragma|values)\b/i
const sqlWith = /^\s*with\b/i
const sqlWrites = /\b(insert|update|delete|merge|replace|for\s+update|for\s+share|into\s+outfile)\b/i
const sqlTransaction = /^\s*(begin|start\s+transaction|commit|rollback|savepoint|release)\b/i
const keyReads =
  /^\s*(get|mget|hget|hgetall|hmget|hkeys|hvals|hlen|exists|ttl|pttl|keys|scan|sscan|hscan|zscan|smembers|sismember|scard|lrange|llen|lindex|zrange\w*|zrevrange\w*|zscore|zcard|zrank|type|strlen|getrange|bitcount|geo\w*|ping|xrange|xlen|gets)\b/i
const documentReads =
  /^\s*(find|findone|aggregate|count|countdocuments|distinct|query|getitem|batchgetitem|scan|search|msearch|mget)\b/i
const readingMethods =
  /(?:^|[./:])(?:batch)?(?:get|list|find|search|read|lookup|describe|query|fetch|check|count|exists|load)(?=[A-Z_]|[a-z]*$|[a-z]+[A-Z_])/
const httpReads = /^(get|head|options)$/i
const namedHttp = /^(?:HTTP\s+)?(GET|HEAD|OPTIONS|POST|PUT|PATCH|DELETE)(?:\s+(\S+))?$/i
const namedSql = /^(SELECT|INSERT|UPDATE|DELETE|REPLACE|MERGE|BEGIN|COMMIT|ROLLBACK)\b/
const pauses = /^(?:sleep|delay|wait|back-?off|set-?timeout|rate[ -_]?limit\w*|throttle)$/i
/** One page of a list names the page, or where the one before it ended. */
const paging =
  /[?&](?:page|cursor|offset|skip|after|before|starting_after|ending_before|page_?token|next_?token|continuation\w*|start_?key|since_id|max_id)=/i

type Get = (name: AttributeName) => string

/** @param name of the span */
export function operationOf(name: string, kind: SpanKind, attributes: Attributes): Operation {
  const get: Get = (slot) => attributes.get(slot)
  if (get('model') !== '' || get('modelOperation') !== '') return modelCall(name, get)
  if (get('dbSystem') !== '' || get('dbStatement') !== '' || get('dbOperation') !== '') return storeCall(name, get)
  if (get('messaging') !== '' || kind === 'producer' || kind === 'consumer')
    return made(
      'messaging',
      get('messagingOperation') === 'receive' ? 'unknown' : 'write',
      `${get('messagingOperation')} ${get('destination')}`.trim() || name,
    )
  if (get('rpcSystem') !== '' || get('rpcMethod') !== '') return rpcCall(name, get)
  if (get('httpMethod') !== '' || get('httpUrl') !== '') return httpCall(name, get)
  return byName(name, kind, get('peer'))
}

const made = (category: Category, access: Access, detail: string, flags = 0): Operation => ({
  category,
  access,
  detail: detail.length > longestDetail ? detail.slice(0, longestDetail) : detail,
  flags,
})

/** A model reads what it is given: it changes nothing on the other side. */
function modelCall(name: string, get: Get): Operation {
  return made('model', 'read', `${get('modelOperation') || name} ${get('model')}`.trim())
}

function storeCall(name: string, get: Get): Operation {
  const [system, statement, operation, table] = [get('dbSystem'), get('dbStatement'), get('dbOperation'), get('dbTable')]
  const text = statement || (operation ? `${operation} ${table}`.trim() : name)
  if (caches.test(system)) return made('cache', keyReads.test(statement || operation || name) ? 'read' : 'write', keyDetail(text))
  if (sqlTransaction.test(text)) return made('database', 'write', text.slice(0, 40), flag.transaction)
  return made('database', storeAccess(statement, operation || name), withoutLiterals(text))
}

function storeAccess(statement: string, operation: string): Access {
  for (const text of [statement, operation]) {
    if (text === '') continue
    if (sqlReads.test(text)) return sqlWrites.test(text) ? 'write' : 'read'
    if (sqlWith.test(text)) return sqlWrites.test(text) ? 'write' : 'read'
    if (documentReads.test(text)) return 'read'
  }
  const known = /^\s*(insert|update|delete|merge|replace|create|drop|alter|truncate|put|set|upsert|save|write|remove|bulk)/i
  return known.test(statement) || known.test(operation) ? 'write' : 'unknown'
}

function rpcCall(name: string, get: Get): Operation {
  const method = get('rpcMethod') || name
  const detail = get('rpcService') && !method.includes(get('rpcService')) ? `${get('rpcService')}/${method}` : method
  return made('rpc', readingMethods.test(method) ? 'read' : 'unknown', detail)
}

function httpCall(name: string, get: Get): Operation {
  const method = (get('httpMethod') || namedHttp.exec(name)?.[1] || '').toUpperCase()
  const [url, route] = [get('httpUrl'), get('httpRoute')]
  const access: Access = method === '' ? 'unknown' : httpReads.test(method) ? 'read' : 'write'
  return made('http', access, `${method} ${route || pathOf(url, get('peer'))}`.trim(), paging.test(url) ? flag.page : 0)
}

/** Without attributes, as in older instrumentations and in traces by hand. */
function byName(name: string, kind: SpanKind, peer: string): Operation {
  const [, method, path = ''] = namedHttp.exec(name) ?? []
  if (method !== undefined)
    return made(
      'http',
      httpReads.test(method) ? 'read' : 'write',
      `${method.toUpperCase()} ${pathOf(path, peer)}`.trim(),
      paging.test(path) ? flag.page : 0,
    )
  if (namedSql.test(name)) {
    if (sqlTransaction.test(name)) return made('database', 'write', name, flag.transaction)
    return made('database', sqlReads.test(name) && !sqlWrites.test(name) ? 'read' : 'write', withoutLiterals(name))
  }
  if (kind === 'client') return made('call', readingMethods.test(name) ? 'read' : 'unknown', withoutNumbers(name))
  return made('internal', 'unknown', withoutNumbers(name), pauses.test(name) ? flag.pause : 0)
}

/** A statement without its literals: quoted texts, numbers, lists of them. */
export function withoutLiterals(statement: string): string {
  return statement
    .slice(0, 4 * longestDetail)
    .replace(/'(?:[^'\\]|\\.|'')*'/g, '?')
    .replace(/\$\d+|:\w+\b|@\w+\b/g, '?')
    .replace(/\b(?:0x[0-9a-f]+|\d+(?:\.\d+)?)\b/gi, '?')
    .replace(/\(\s*\?(?:\s*,\s*\?)*\s*\)/g, '(?)')
    .replace(/\s+/g, ' ')
    .trim()
}

/** A command with its key's first part: `GET user:?`. */
function keyDetail(text: string): string {
  const [command = '', key = ''] = text.trim().split(/\s+/, 2)
  return `${command.toUpperCase()} ${withoutNumbers(key)}`.trim()
}

/** A path without ids and query; with the host where there is one. */
function pathOf(url: string, peer: string): string {
  const [, host = '', path = url] = /^[a-z][\w+.-]*:\/\/([^/?#]*)([^?#]*)/i.exec(url) ?? []
  const plain = (path.split(/[?#]/, 1)[0] ?? '').replace(/\/(?:\d+|[0-9a-f]{8,}|[0-9a-f-]{32,})(?=\/|$)/gi, '/?')
  const at = host || peer
  return at !== '' ? `${at}${plain}` : plain
}

const withoutNumbers = (name: string): string => name.replace(/\b\d+\b|\b[0-9a-f]{16,}\b/gi, '?')
