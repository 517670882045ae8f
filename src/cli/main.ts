#!/usr/bin/env node
import { version } from './version.ts'

const args = process.argv.slice(2)
endQuietlyOnClosedPipe()
// Shells and installers ask for it, again and again: answered before anything else is loaded.
if (args[0] === '--version' || args[0] === '-v') process.stdout.write(`${version}\n`)
// No top-level await: a program that waits for ever must reach `beforeExit`, where that is reported.
else void import('./command-line.ts').then(({ runCommandLine }) => runCommandLine(args))

/** `heddle … | head` closes the pipe early; that is not a failure worth a stack trace. */
function endQuietlyOnClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit()
    throw error
  })
}
