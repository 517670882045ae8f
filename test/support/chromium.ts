/**
 * The browser of the tests of the page. Where it is missing it is installed, if that takes no question: as root, on Debian and what is made of it.
 * Elsewhere those tests are skipped, and this says so; in CI a missing browser is a failure, because a skip there would hide one.
 */
import { existsSync } from 'node:fs'
import { aptInstall } from './apt.ts'

/** Where Chromium is; `CHROMIUM` names another. */
export const chromiumPath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'

export default function setup(): void {
  if (existsSync(chromiumPath)) return
  aptInstall('chromium', 'Chromium')
  if (existsSync(chromiumPath)) return
  const message = `There is no browser at ${chromiumPath}: install Chromium, or name another with CHROMIUM=PATH`
  if (process.env['CI'] === 'true') throw new Error(message)
  console.warn(`${message}. The tests of the page are skipped.`)
}
