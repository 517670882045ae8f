/** Stands for a compiler: `step.mjs TARGET [SOURCES]` reads the sources, computes, and writes the target. */
import { pbkdf2Sync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'

const [target = '', ...sources] = process.argv.slice(2)
const text = sources.map((source) => readFileSync(source, 'utf8')).join('')
const digest = pbkdf2Sync(text || basename(target), 'salt', 20_000, 8, 'sha512').toString('hex')
writeFileSync(target, `${basename(target)} ${digest}\n`)
console.log(`made ${basename(target)} of ${sources.length} files`)
