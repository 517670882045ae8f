/**
 * Does `heddle find` give back what people run at once? Real code that does is written one after the other, and looked at again.
 *
 *     node bench/find/rebuilt.mjs FOLDER        # FOLDER/owner+name are checkouts of repositories.json; --misses names what was not found
 *
 * Tests, seeds and migrations are left out: find leaves them in order on purpose.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { parseSync } from 'oxc-parser'
import { find } from 'heddle/find'
import { sequential } from './sequential.mjs'
import { sourcesIn } from './sources.mjs'

const {
  positionals: [folder],
  values,
} = parseArgs({
  allowPositionals: true,
  options: { misses: { type: 'boolean' }, only: { type: 'string' }, json: { type: 'boolean' } },
})
if (!folder) throw new Error('Usage: node bench/find/rebuilt.mjs FOLDER')

const rows = []
for (const name of readdirSync(folder).filter((entry) => entry.includes('+') && (!values.only || entry.includes(values.only)))) {
  const copy = mkdtempSync(join(tmpdir(), 'heddle-rebuilt-'))
  try {
    rows.push({ name, ...(await rebuild(resolve(folder, name), copy)) })
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}
const sum = (of) => rows.reduce((total, row) => total + of(row), 0)
const share = (part, whole) => (whole === 0 ? '' : `${Math.round((100 * part) / whole)} %`)
console.table(
  Object.fromEntries(
    [
      ...rows,
      {
        name: 'all',
        sites: sum((r) => r.sites),
        found: sum((r) => r.found),
        calls: '',
        rounds: '',
        fixes: sum((r) => r.fixes),
        broken: sum((r) => r.broken),
      },
    ].map(({ name, sites, found, fixes, broken, calls, rounds }) => [
      name,
      { sites, found, share: share(found, sites), calls, rounds, fixes, broken },
    ]),
  ),
)

async function rebuild(root, copy) {
  const sites = []
  for (const path of sourcesIn(root)) {
    const place = relative(root, path)
    const before = readFileSync(path, 'utf8')
    const ordered =
      /(?:^|\/)(?:__tests__|__mocks__|tests?|e2e|spec|fixtures?|migrations?|seeds?|cypress)\/|\.(?:test|spec|e2e|stories)\.|(?:^|\/)seed\.[jt]s$/.test(
        place,
      )
    const rebuilt = ordered || !/Promise\.all\(|pMap\(/.test(before) ? { text: before, sites: [] } : sequential(path, before)
    for (const site of rebuilt.sites) {
      const lineOf = (offset) => rebuilt.text.slice(0, offset).split('\n').length
      sites.push({
        file: place,
        from: lineOf(site.start),
        to: lineOf(site.end),
        kind: site.kind,
        line: site.line,
        text: rebuilt.text.slice(site.start, site.end),
      })
    }
    const target = join(copy, place)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, rebuilt.text)
  }
  for (const config of ['package.json', 'tsconfig.json', 'tsconfig.base.json']) {
    try {
      cpSync(join(root, config), join(copy, config))
    } catch {
      // Not every repository has one.
    }
  }
  const { findings } = await find([copy], { root: copy })
  const serial = findings.filter(({ rule }) =>
    ['sequential-awaits', 'await-in-loop', 'late-start', 'serial-iteration'].includes(rule),
  )
  let found = 0
  const of = { calls: [0, 0], rounds: [0, 0] }
  let fixes = 0
  let broken = 0
  for (const site of sites) {
    const here = serial.filter(({ file, line, endLine }) => file === site.file && line <= site.to && endLine >= site.from)
    const good = here.filter(({ tier }) => tier !== 'info')
    if (good.length > 0) found++
    of[site.kind][0] += good.length > 0 ? 1 : 0
    of[site.kind][1]++
    for (const { fix, file } of good) {
      if (!fix) continue
      fixes++
      if (parses(join(copy, file), fix)) continue
      broken++
      if (values.misses)
        console.log(
          `--- ${root.split('/').at(-1)} ${file}: its rewrite does not parse:\n${fix.map(({ text }) => text).join('\n')}`,
        )
    }
    if (values.misses && good.length === 0) {
      console.log(
        `--- ${root.split('/').at(-1)} ${site.file}:${site.line} ${here.map(({ proof, question }) => `${question} | ${proof.join(' | ')}`).join(' ') || 'nothing'}`,
      )
      console.log(site.text.slice(0, 500))
    }
  }
  return { sites: sites.length, found, calls: of.calls.join('/'), rounds: of.rounds.join('/'), fixes, broken }
}

function parses(path, fix) {
  let text = readFileSync(path, 'utf8')
  for (const { start, end, text: replacement } of [...fix].sort((a, b) => b.start - a.start))
    text = text.slice(0, start) + replacement + text.slice(end)
  return !parseSync(path, text).errors.some(({ severity }) => severity === 'Error')
}
