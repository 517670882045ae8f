/** Installs a package of the system where that takes no question: as root, on Debian and what is made of it. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const apt = '/usr/bin/apt-get'

/** Does nothing elsewhere; says so when it could not. @param name for people */
export function aptInstall(packageName: string, name: string): void {
  if (process.getuid?.() !== 0 || !existsSync(apt)) return
  console.warn(`${name} is missing; installing it with apt-get`)
  const run = (...args: readonly string[]): void => {
    execFileSync(apt, args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
  }
  try {
    run('update', '-qq')
    run('install', '-y', '-qq', '--no-install-recommends', packageName)
  } catch (error) {
    console.warn(`It could not be installed: ${String(error)}`)
  }
}
