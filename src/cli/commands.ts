/**
 * The commands of `heddle`: one table from which parsing, help, completion and the documentation are made. A command's code is
 * imported when it is used, so that the first output never waits for the rest.
 */
import { exportFormats } from '../trace/export/formats.ts'
import { planFormats } from '../plan/formats/names.ts'
import { planExports } from '../plan/report/names.ts'
import type { CommandSpec, OptionSpec } from './interface/command-spec.ts'
import { layoutOptions } from './commands/plan/layout-options.ts'
import { reporters } from './reporters/names.ts'

const color: OptionSpec = { name: 'no-color', summary: 'no colours (also NO_COLOR=1)' }
const noOpen: OptionSpec = { name: 'no-open', summary: 'print the address of the page, and start no browser' }
const json: OptionSpec = { name: 'json', summary: 'one JSON document on stdout' }

export const shells = ['bash', 'zsh', 'fish'] as const
const exports = ['html', ...exportFormats] as const
const findFormats = ['text', 'json', 'sarif', 'github', 'markdown'] as const
const failTiers = ['proven', 'likely', 'info', 'never'] as const

export const commands: readonly CommandSpec[] = [
  {
    name: 'run',
    summary: 'run a program, and say what bounded it',
    positionals: 'FILE [arguments]',
    minPositionals: 1,
    maxPositionals: Number.POSITIVE_INFINITY,
    passesArguments: true,
    options: [
      { name: 'reporter', value: 'NAME', oneOf: reporters, summary: `how to report: ${reporters.join(', ')}` },
      json,
      { name: 'quiet', short: 'q', summary: 'say nothing but errors' },
      {
        name: 'concurrency',
        short: 'j',
        value: 'N',
        summary: 'tasks of the graph at once, and workers, at most: a number, or a share of the cores such as 50%',
      },
      { name: 'trace', value: 'FILE', summary: 'write a trace while running, for heddle trace FILE' },
      { name: 'ui', summary: 'show it live in the browser, and keep the page until Ctrl-C' },
      noOpen,
      {
        name: 'dry-run',
        short: 'n',
        summary: 'show the plan of a graph, and run none of its tasks; a file without a default export is not loaded',
      },
      color,
    ],
    examples: ['heddle run build.ts', 'heddle run --trace run.heddle analyse.ts docs'],
    load: () => import('./commands/run.ts'),
  },
  {
    name: 'trace',
    summary: 'explain a recorded run or traces of another system, compare runs, or give one to another tool',
    positionals: 'FILE … | compare FILE FILE …',
    minPositionals: 1,
    maxPositionals: Number.POSITIVE_INFINITY,
    options: [
      { name: 'export', value: 'FORMAT', oneOf: exports, summary: `write it as ${exports.join(', ')}` },
      { name: 'output', short: 'o', value: 'FILE', summary: 'where to write the export (default: stdout)' },
      { name: 'open', summary: 'show it in the browser, as heddle ui does' },
      json,
      color,
    ],
    examples: ['heddle trace run.heddle', 'heddle trace --export chrome --output run.json run.heddle'],
    load: () => import('./commands/trace.ts'),
  },
  {
    name: 'ui',
    summary: 'show a recorded run in the browser',
    positionals: 'FILE',
    minPositionals: 1,
    maxPositionals: 1,
    options: [{ name: 'port', value: 'PORT', summary: 'where to listen on 127.0.0.1 (default: a free port)' }, noOpen, color],
    examples: ['heddle ui run.heddle', 'heddle ui --no-open --port 4500 run.heddle'],
    load: () => import('./commands/ui.ts'),
  },
  {
    name: 'find',
    summary: 'find what this code runs one after the other without need',
    positionals: '[PATHS]',
    minPositionals: 0,
    maxPositionals: Number.POSITIVE_INFINITY,
    options: [
      { name: 'fix', summary: 'rewrite what is proven' },
      { name: 'fix-likely', summary: 'rewrite what is likely too: read each change' },
      { name: 'all', summary: 'show what is only information too, and look at tests, migrations and seeds' },
      json,
      { name: 'format', value: 'FORMAT', oneOf: findFormats, summary: `how to report: ${findFormats.join(', ')}` },
      {
        name: 'trace',
        value: 'FILE',
        summary: 'what costs most first, as a recorded run shows it: of heddle, or OpenTelemetry with code attributes',
      },
      { name: 'since', value: 'REF', summary: 'only files that differ from a Git revision' },
      {
        name: 'fail-on',
        value: 'TIER',
        oneOf: failTiers,
        summary: `exit with 1 from this tier up: ${failTiers.join(', ')} (default: likely)`,
      },
      { name: 'baseline', value: 'FILE', summary: 'leave out the findings that this file names' },
      { name: 'write-baseline', summary: 'write that file from what is found now' },
      { name: 'no-cache', summary: 'look at every file again, and write no cache' },
      color,
    ],
    examples: ['heddle find src', 'heddle find --since main --format github'],
    load: () => import('./commands/find.ts'),
  },
  {
    name: 'explain-finding',
    summary: 'say all that is known of one finding, and show its rewrite',
    positionals: 'ID [PATHS]',
    minPositionals: 1,
    maxPositionals: Number.POSITIVE_INFINITY,
    options: [json, color],
    examples: ['heddle explain-finding c1fa583503', 'heddle explain-finding c1fa583503 src'],
    load: () => import('./commands/explain-finding.ts'),
  },
  {
    name: 'plan',
    summary: 'what decides the end of a plan; which layout of GPUs serves or trains a model best',
    positionals: 'FILE | serve | train',
    minPositionals: 1,
    maxPositionals: 1,
    options: [
      {
        name: 'from',
        value: 'FORMAT',
        oneOf: planFormats,
        summary: `what FILE is written in, where it cannot be seen: ${planFormats.join(', ')}`,
      },
      {
        name: 'concurrency',
        short: 'j',
        value: 'N',
        summary: 'tasks at once, at most, where the plan names nobody; serve: requests under way, in place of a rate',
      },
      { name: 'target', value: 'NAME', summary: 'the script or target to plan, of a package.json or the database of make' },
      {
        name: 'learn',
        value: 'PATH',
        summary: 'durations of past runs: a trace, the jobs of GitHub Actions or a summary of turbo in JSON, or a folder of them',
      },
      { name: 'schedules', value: 'N', summary: 'how many schedules are tried (default: 1,000)' },
      { name: 'seed', value: 'N', summary: 'equal seeds give equal schedules (default: 1)' },
      { name: 'export', value: 'FORMAT', oneOf: planExports, summary: `write the plan as ${planExports.join(', ')}` },
      {
        name: 'output',
        short: 'o',
        value: 'FILE',
        summary: 'where to write the export (default: stdout); serve: tokens of an answer, mean',
      },
      ...layoutOptions,
      json,
      color,
    ],
    examples: [
      'heddle plan website.yaml',
      'heddle plan serve --model llama-3.1-70b --gpu h100-sxm --input 1000 --output 1000 --rate 4 --tpot 30ms',
    ],
    load: () => import('./commands/plan.ts'),
  },
  {
    name: 'worker',
    summary: 'run worker functions of these modules for a fleet, until a signal',
    positionals: 'FILE …',
    minPositionals: 1,
    maxPositionals: Number.POSITIVE_INFINITY,
    options: [
      { name: 'fleet', value: 'URL', summary: 'the store, such as redis://127.0.0.1:6379 (default: FLEET_URL)' },
      { name: 'name', value: 'NAME', summary: 'which fleet in that store (default: main)' },
      { name: 'tenant', value: 'NAME', summary: 'whose work (default: default)' },
      { name: 'concurrency', short: 'j', value: 'N', summary: 'how many at once: a number, or a share of the cores such as 50%' },
      { name: 'grace', value: 'TIME', summary: 'how long a drain waits for what is under way (default: 25s)' },
      { name: 'blobs', value: 'URL', summary: 'a folder that all machines share, for large values: file:///mnt/shared/heddle' },
      { name: 'health', value: 'PORT', summary: 'answer /live, /ready and /metrics there' },
      { name: 'audit', value: 'FILE', summary: 'append one line of JSON for each batch' },
      { name: 'risk', summary: 'go on with a store that may lose work' },
      json,
    ],
    examples: [
      'heddle worker --fleet redis://127.0.0.1:6379 analyse.js',
      'heddle worker --concurrency 50% --health 8080 dist/analyse.js',
    ],
    load: () => import('./commands/worker.ts'),
  },
  {
    name: 'fleet',
    summary: 'prepare and look at a fleet, cancel a run, drain a worker',
    positionals: 'check | init | status | cancel RUN | drain WORKER',
    minPositionals: 1,
    maxPositionals: 2,
    options: [
      { name: 'fleet', value: 'URL', summary: 'the store, such as redis://127.0.0.1:6379 (default: FLEET_URL)' },
      { name: 'name', value: 'NAME', summary: 'which fleet in that store (default: main)' },
      { name: 'tenant', value: 'NAME', summary: 'whose work (default: default)' },
      { name: 'watch', summary: 'look again each second, until Ctrl-C' },
      json,
    ],
    examples: ['heddle fleet status --fleet redis://127.0.0.1:6379', 'heddle fleet check --json'],
    load: () => import('./commands/fleet.ts'),
  },
  {
    name: 'serve',
    summary: 'serve the models of a module over HTTP, with the API of OpenAI, until a signal',
    positionals: 'FILE',
    minPositionals: 1,
    maxPositionals: 1,
    options: [
      { name: 'port', value: 'PORT', summary: 'where to listen (default: a free port)' },
      { name: 'host', value: 'ADDRESS', summary: 'the address to listen on: 0.0.0.0 for every network (default: 127.0.0.1)' },
      { name: 'grace', value: 'TIME', summary: 'how long a drain waits for what is under way (default: 25s)' },
      {
        name: 'delay',
        value: 'TIME',
        summary: 'how long a drain answers on, with /ready at 503, so that balancers send elsewhere (default: 0)',
      },
      { name: 'log', value: 'FILE', summary: 'append a line of JSON for each request: a file, or - for stdout' },
      { name: 'ui', summary: 'show it live in the browser' },
      noOpen,
      json,
    ],
    examples: ['heddle serve --port 8080 serve.ts', 'heddle serve --host 0.0.0.0 --log access.jsonl serve.ts'],
    load: () => import('./commands/serve.ts'),
  },
  {
    name: 'completion',
    summary: 'write the completion script of a shell',
    positionals: shells.join(' | '),
    minPositionals: 1,
    maxPositionals: 1,
    options: [],
    examples: ['heddle completion bash >> ~/.bashrc', 'heddle completion fish > ~/.config/fish/completions/heddle.fish'],
    load: () => import('./commands/completion.ts'),
  },
  {
    name: 'simulate',
    summary: 'a model provider on this machine, for load tests without cost',
    positionals: '',
    minPositionals: 0,
    maxPositionals: 0,
    options: [
      { name: 'port', value: 'PORT', summary: 'where to listen on 127.0.0.1 (default: a free port)' },
      { name: 'rpm', value: 'N', summary: 'requests per minute' },
      { name: 'tpm', value: 'N', summary: 'tokens per minute, input and output together' },
      { name: 'input-tpm', value: 'N', summary: 'input tokens per minute, as Anthropic counts them' },
      { name: 'output-tpm', value: 'N', summary: 'output tokens per minute, as Anthropic counts them' },
      { name: 'time-scale', value: 'N', summary: 'how many times as fast the provider lives' },
      { name: 'overloaded', value: 'SHARE', summary: 'share of requests refused as overload, from 0 to 1' },
      { name: 'server-error', value: 'SHARE', summary: 'share of requests that fail with status 500, from 0 to 1' },
      { name: 'broken', value: 'SHARE', summary: 'share of answers that break in the middle, from 0 to 1' },
      { name: 'hang', value: 'SHARE', summary: 'share of requests that are never answered, from 0 to 1' },
      { name: 'quota', value: 'CALLS', summary: 'calls until it is used up for good' },
      { name: 'seed', value: 'N', summary: 'equal seeds give equal answers, latencies and faults' },
      json,
    ],
    examples: ['heddle simulate --rpm 500 --tpm 200000', 'heddle simulate --time-scale 60 --overloaded 0.02'],
    load: () => import('./commands/simulate.ts'),
  },
  {
    name: 'prices',
    summary: 'what models cost and can do: show it, check the table, take over a published one',
    positionals: 'show [MODEL …] | check [FILE|URL] | update FILE|URL',
    minPositionals: 1,
    maxPositionals: Number.POSITIVE_INFINITY,
    options: [
      {
        name: 'table',
        value: 'FILE',
        summary: 'the table to show or check (default: heddle-prices.json if it is there, else the built-in one)',
      },
      { name: 'output', short: 'o', value: 'FILE', summary: 'where update writes it (default: heddle-prices.json)' },
      json,
    ],
    examples: ['heddle prices show gpt-4.1-mini claude-sonnet-4-6', 'heddle prices update https://models.dev/api.json'],
    load: () => import('./commands/prices/prices.ts'),
  },
]
