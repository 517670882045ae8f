/**
 * Takes secrets out of text that leaves the program: error messages, traces, reports. Providers repeat the key that they were sent in the
 * message that it is wrong, some repeat all headers of a request.
 *
 * Three things are taken for a secret:
 * 1. what was sent as one: headers, cookies, addresses of requests, as {@link rememberSent} has seen them; wherever it turns up;
 * 2. what stands behind a name such as `api-key`, `Authorization` or `?token=`;
 * 3. what looks like a key of a known kind (`sk-…`, `AIza…`, `ghp_…`, a JWT, a private key).
 *
 * The text may be hostile. Every search is linear: patterns match plain runs of characters, and code looks at what they found.
 */

/** The first characters stay, so that a person sees which key it was. */
const shown = 3

function hidden(secret: string): string {
  return `${secret.length >= 2 * shown ? secret.slice(0, shown) : ''}…`
}

/** What a secret that nobody sent has in it: a sign behind its name, a long run of characters, or its scheme. */
const maySecret = /[:=@]|[\w./+-]{10}|bearer|basic/i

/** The text without secrets. O(length); names of tasks mostly cost a tenth of a microsecond. */
export function withoutSecrets(text: string): string {
  if (sent.size === 0 && !maySecret.test(text)) return text
  return withoutShapes(withoutNamed(withoutUserInfo(withoutPrivateKeys(withoutSent(text)))))
}

// What was sent ---------------------------------------------------------------------------------------------------------------

/** The latest secrets that were sent. A program has a few keys; signatures differ with every request, so that old ones are forgotten. */
const sent = new Set<string>()
const mostSent = 256
/** Shorter ones would take words out of every text. */
const shortest = 6
const longest = 8_192

/** Remembers one secret, to be replaced wherever it turns up. */
export function rememberSecret(secret: unknown): void {
  if (typeof secret !== 'string') return
  const value = secret.trim()
  if (value.length < shortest || value.length > longest || /^\d{1,8}$/.test(value)) return
  sent.delete(value)
  sent.add(value)
  if (sent.size > mostSent) for (const oldest of sent.keys()) return void sent.delete(oldest)
}

/** Remembers the secrets of a request: what its headers and its address hold as one. @param headers pairs of names and values */
export function rememberSent(headers: Iterable<readonly [string, string]>, url?: string): void {
  for (const [name, value] of headers) if (isSecretName(name)) rememberHeader(name, value)
  if (url === undefined) return
  try {
    const { username, password, searchParams } = new URL(url)
    for (const part of [username, password]) rememberSecret(decoded(part))
    for (const [name, value] of searchParams) if (isSecretName(name) || name.toLowerCase() === 'key') rememberSecret(value)
  } catch {
    // It is not an address, so it holds nothing.
  }
}

/** A header's secret, and the parts of it that may be repeated alone: behind `Bearer`, user and password of `Basic`, each cookie. */
export function rememberHeader(name: string, value: string): void {
  rememberSecret(value)
  const plain = normal(name)
  if (plain.endsWith('cookie'))
    for (const cookie of value.split(';').slice(0, 64)) rememberSecret(cookie.slice(cookie.indexOf('=') + 1))
  if (!plain.endsWith('authorization')) return
  const space = value.indexOf(' ')
  const [scheme, rest] = [value.slice(0, space).toLowerCase(), value.slice(space + 1)]
  if (space > 0) rememberSecret(rest)
  if (scheme === 'basic') {
    const pair = Buffer.from(rest, 'base64').toString()
    rememberSecret(pair)
    rememberSecret(pair.slice(pair.indexOf(':') + 1))
  }
  if (scheme.startsWith('aws4')) for (const part of rest.split(',').slice(0, 8)) rememberSecret(part.slice(part.indexOf('=') + 1))
}

function withoutSent(text: string): string {
  let clean = text
  // The longest first: a shorter one may be a part of it.
  for (const secret of [...sent].sort((a, b) => b.length - a.length)) {
    for (const form of new Set([secret, encodeURIComponent(secret)])) {
      if (clean.includes(form)) clean = clean.replaceAll(form, hidden(form))
    }
  }
  return clean
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

// What a name says ------------------------------------------------------------------------------------------------------------

const secretEndings = [
  'apikey',
  'accesskey',
  'accesskeyid',
  'secretkey',
  'privatekey',
  'accountkey',
  'subscriptionkey',
  'functionskey',
  'authorization',
  'cookie',
  'secret',
  'token',
  'password',
  'passwd',
  'passphrase',
  'signature',
  'credential',
  'credentials',
  'connectionstring',
]
const secretNames = new Set(['sig', 'pwd', 'jwt', 'sessionid', 'xauth', 'xapikey'])

function normal(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]/g, '')
}

/** Whether a header, a parameter or a field of this name holds a secret. */
export function isSecretName(name: string): boolean {
  if (name.length > 64) return false
  const plain = normal(name)
  return secretNames.has(plain) || secretEndings.some((ending) => plain.endsWith(ending))
}

/** Characters that may stand between a name, its colon and its value: blanks, and quotes that may be escaped. */
const between = /[\s"'\\]/
const mostBetween = 8
const nameCharacter = /[\w.-]/
const longestName = 64
/** What ends a value, and what ends one that may have blanks in it. */
const valueEnd = /[\s"'\\,;&<>(){}[\]|]/g
const lineEnd = /[\r\n"'\\<>]/g

/** Values behind names, as in headers, JSON, addresses and settings: looks at each colon and equals sign, what is before and behind it. */
function withoutNamed(text: string): string {
  let out = ''
  let from = 0
  for (const { index: at } of text.matchAll(/[:=]/g)) {
    if (at < from) continue
    const name = nameBefore(text, at)
    const isKey = name.toLowerCase() === 'key' && /[?&]/.test(text[at - name.length - 1] ?? '')
    if (name === '' || !(isKey || isSecretName(name))) continue
    const start = skipBetween(text, at + 1)
    const end = endOfValue(text, start, normal(name))
    if (!isValue(text.slice(start, end), text[at] === ':' && start - at <= 2)) continue
    out += text.slice(from, start) + hiddenValue(text.slice(start, end))
    from = end
  }
  return out + text.slice(from)
}

function nameBefore(text: string, at: number): string {
  let end = at
  while (end > at - mostBetween && end > 0 && between.test(text[end - 1] as string)) end--
  let start = end
  while (start > end - longestName && start > 0 && nameCharacter.test(text[start - 1] as string)) start--
  return text.slice(start, end)
}

function skipBetween(text: string, at: number): number {
  let start = at
  while (start < at + mostBetween && start < text.length && between.test(text[start] as string)) start++
  return start
}

function endOfValue(text: string, start: number, name: string): number {
  // A value in quotes ends with them, and some headers have blanks in them.
  const whole = /["']/.test(text[start - 1] ?? '') || name.endsWith('cookie') || name.endsWith('authorization')
  const end = whole ? lineEnd : valueEnd
  end.lastIndex = start
  const found = end.exec(text)
  return Math.min(found ? found.index : text.length, start + longest)
}

/** "token: expected" names nothing: a plain word behind a colon and a blank is a sentence. */
function isValue(value: string, inSentence: boolean): boolean {
  if (value.length < shortest) return false
  return !inSentence || value.length >= 20 || /\d/.test(value) || / /.test(value)
}

const scheme = /^(?:basic|bearer|bot|digest|dpop|api-?key|key|token|negotiate|ntlm|signature|(?:aws4|hmac)[\w-]{0,16})$/i

/** Keeps the scheme of an authorization: it says what kind of key it was. Another first word may be the secret, such as the first cookie. */
function hiddenValue(value: string): string {
  const space = value.indexOf(' ')
  if (space <= 0 || !scheme.test(value.slice(0, space))) return hidden(value)
  return `${value.slice(0, space + 1)}${hidden(value.slice(space + 1))}`
}

/** User and password of an address. */
function withoutUserInfo(text: string): string {
  let out = ''
  let from = 0
  for (let at = text.indexOf('://'); at !== -1; at = text.indexOf('://', at + 3)) {
    const authority = text.slice(at + 3, at + 3 + 1_024)
    const end = authority.search(/[/\s"'<>?#\\]/)
    const userInfo = authority.slice(0, Math.max(0, authority.slice(0, end === -1 ? undefined : end).lastIndexOf('@')))
    if (userInfo === '') continue
    out += `${text.slice(from, at + 3)}…`
    from = at + 3 + userInfo.length
  }
  return out + text.slice(from)
}

// What it looks like ----------------------------------------------------------------------------------------------------------

/** Beginnings of keys: of model providers, clouds, code hosts and payment services. */
const keyBeginning =
  /^(?:(?:sk|pk|rk|gsk|xai|r8|hf|pplx|nvapi|fw|tgp|csk|vck|pcsk|lsv2|tvly|jina|npm|pypi|dop_v1|dckr_pat|glpat|glsa|ghp|gho|ghu|ghs|ghr|github_pat|xox[a-z]|xapp|whsec|sess|shpat|shpss|lin_api|ntn|figd|sbp|pscale|sntrys|bedrock-api-key)[-_]|AIza|ABSK|ATATT3|PMAK-|NRAK-)[\w-]{8,}$/
const keyWithDigits = /^(?:api|key|pa|secret|token)[-_](?=.*\d)[\w-]{8,}$/
const keyOfForm = /^(?:A(?:KIA|SIA|IDA|ROA)[A-Z0-9]{12,}|(?:SK|AC)[0-9a-f]{32}|dapi[0-9a-f]{30,})$/
const dottedBeginning = /^(?:eyJ[\w-]{8,}\.[\w-]{4,}|ya29\.|SG\.|AQ\.)/

function withoutShapes(text: string): string {
  return text
    .replaceAll(/[\w.-]{20,}/g, (run) => (dottedBeginning.test(run) ? hidden(run) : run))
    .replaceAll(/[\w-]{10,}/g, (run) => (looksLikeKey(run) ? hidden(run) : run))
    .replaceAll(/\b(bearer|basic)([ \t]{1,4})([\w.~+/=-]{6,})/gi, (all, scheme: string, blank: string, value: string) =>
      isCredential(value) ? `${scheme}${blank}${hidden(value)}` : all,
    )
}

function looksLikeKey(run: string): boolean {
  return run.length <= longest && (keyBeginning.test(run) || keyOfForm.test(run) || keyWithDigits.test(run))
}

/** "bearer token" and "Basic authentication." are words. */
function isCredential(value: string): boolean {
  const plain = value.replace(/[.]$/, '')
  return /[\d._~+/=-]/.test(plain) || plain.length >= 24
}

const pemBegin = '-----BEGIN '
const pemEnd = '-----END '

function withoutPrivateKeys(text: string): string {
  let out = ''
  let from = 0
  for (let at = text.indexOf(pemBegin); at !== -1; at = text.indexOf(pemBegin, Math.max(from, at + pemBegin.length))) {
    const label = text.slice(at, at + 64)
    if (!label.includes('PRIVATE KEY')) continue
    const end = text.indexOf(pemEnd, at)
    out += `${text.slice(from, at)}${pemBegin}PRIVATE KEY-----…`
    from = end === -1 ? text.length : end
    if (end === -1) break
  }
  return out + text.slice(from)
}
