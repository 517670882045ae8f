/** The page of the documentation about the command line, made from the command table. `npm run docs` writes it. */
import { commands } from '../../src/cli/commands.ts'
import { type CommandSpec, globalOptions, type OptionSpec } from '../../src/cli/interface/command-spec.ts'

const about = `# Command line

<!-- Made from the command table by \`npm run docs\`; change src/cli/commands.ts or test/support/cli-page.ts. -->

| command | what it does |
| ------- | ------------ |
${commands.map(({ name, summary }) => `| [\`heddle ${name}\`](#heddle-${name}) | ${summary} |`).join('\n')}

Results go to stdout; progress, verdict and errors to stderr. \`--json\` gives one document on stdout. An unknown command or option runs nothing and asks
what was meant.

A program is a script, or a module whose default export is a graph (it is run) or a function. A function is called with the arguments, one parameter each, as strings:
\`heddle run sum.ts 1 2\` and \`heddle run sum.ts -- 1 2\` call \`main('1', '2')\`. TypeScript needs no build. What the program gives is printed, and its exit code is kept.

\`--dry-run\` has to load the module that makes the graph, which runs its top level: keep work inside tasks. A file that has no default export, or whose default export is a function or a
class, is refused before it is loaded.
`

const exits = `## Exit codes

| exit code | meaning |
| --------- | ------- |
| 0 | everything went well |
| 1 | a task or the program failed |
| 2 | usage or configuration: nothing was run |
| 129 | ended by SIGHUP: the terminal was closed |
| 130 | ended by Ctrl-C |
| 143 | ended by SIGTERM |

The first Ctrl-C, SIGTERM or SIGHUP cancels what runs and lets it clean up for a moment; the second ends the process. A program that listens for a signal itself gets it
as under plain Node, and heddle cancels nothing: a server drains as its own handler says ([servers](servers.md)). A program whose main thread is held by synchronous code hears
nothing: it is ended within a second all the same (with SIGKILL, which a shell shows as 137, and without a verdict).

A program, a trace to read and a file that \`--trace\` writes are regular files; pipes and devices are refused.
`

const output = `## What a terminal shows

| reporter | shows | chosen |
| -------- | ----- | ------ |
| \`default\` | a window at the bottom while the program runs: per group done, failed, running, per second and time left; then the verdict | on a terminal |
| \`stream\` | plain lines: each run when it begins and when it ends; then the verdict | where \`CI\` is set |
| \`github\` | as \`stream\`, an annotation at the line that failed, the verdict in the job's summary | in GitHub Actions |
| \`minimal\` | the verdict | where stderr is not a terminal, or \`TERM=dumb\` |
| \`json\` | one document on stdout; what the program prints goes to stderr | with \`--json\` |

Lines break between words at the width of the terminal. Tables keep their columns: names are cut first, and what does not fit follows below. Output for files, pipes and
programs is never broken.

Colours follow \`NO_COLOR\`, \`FORCE_COLOR\` and \`TERM\`, for each stream by itself. The verdict is explained in [Traces](traces.md).
`

export function cliPage(): string {
  return [about, ...commands.map(section), exits, output].join('\n')
}

function section(command: CommandSpec): string {
  const { name, summary, positionals, options, examples } = command
  return [
    `## heddle ${name}`,
    '',
    `${summary[0]?.toUpperCase()}${summary.slice(1)}.`,
    '',
    '```sh',
    ...examples,
    '```',
    '',
    `Usage: \`${`heddle ${name} [options] ${positionals}`.trim()}\``,
    '',
    '| option | meaning |',
    '| ------ | ------- |',
    ...[...options, ...globalOptions].map((option) => `| ${flags(option)} | ${option.summary.replaceAll('|', '\\|')} |`),
    '',
  ].join('\n')
}

function flags({ name, short, value }: OptionSpec): string {
  const long = `\`--${name}${value ? ` ${value}` : ''}\``
  return short ? `\`-${short}\`, ${long}` : long
}
