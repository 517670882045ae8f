/**
 * The browser of the tests of the page. Where it is missing it is installed, if that takes no question: as root, on Debian and what is made of it.
 * Elsewhere those tests are skipped, and this says so; in CI a missing browser is a failure, because a skip there would hide one.
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/** Where Chromium is; `CHROMIUM` names another. */
export const chromiumPath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'

const apt = '/usr/bin/apt-get'

export default function setup(): void {
  if (existsSync(chromiumPath)) return
  if (process.getuid?.() === 0 && existsSync(apt)) install()
  if (existsSync(chromiumPath)) return
  const message = `There is no browser at ${chromiumPath}: install Chromium, or name another with CHROMIUM=PATH`
  if (process.env['CI'] === 'true') throw new Error(message)
  console.warn(`${message}. The tests of the page are skipped.`)
}

function install(): void {
  console.warn('Chromium is missing; installing it with apt-get')
  const run = (...args: readonly string[]): void => {
    execFileSync(apt, args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
  }
  try {
    run('update', '-qq')
    run('install', '-y', '-qq', '--no-install-recommends', 'chromium')
  } catch (error) {
    console.warn(`It could not be installed: ${String(error)}`)
  }
}
