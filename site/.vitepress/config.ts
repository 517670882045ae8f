import { readdirSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig, type DefaultTheme } from 'vitepress'
import api from '../pages/api/typedoc-sidebar.json' with { type: 'json' }

/** For contributors: its group of the menu is closed at first. */
const inside = 'How it works inside'

const pages: readonly { readonly text: string; readonly items: Readonly<Record<string, string>> }[] = [
  { text: 'Start', items: { 'getting-started': 'Five minutes', recipes: 'Recipes', performance: 'Making it faster' } },
  {
    text: 'Tasks and threads',
    items: {
      tasks: 'Tasks, maps, graphs',
      workers: 'Worker functions',
      streams: 'Streams',
      patterns: 'Patterns',
      policies: 'Policies',
      commands: 'Commands',
      locks: 'Locks',
      checkpoints: 'Checkpoints',
    },
  },
  { text: 'Arrays', items: { arrays: 'Arrays', 'arrays-dask': 'Names of Dask and NumPy' } },
  {
    text: 'Language models',
    items: {
      models: 'Models and pools',
      'models-batch': 'Batch inference',
      'models-extraction': 'Structured extraction',
      'models-long-texts': 'Long texts',
      'models-api': 'Behind an API',
      'models-agents': 'Agents and teams',
      'models-people': 'People who decide',
      'models-progress': 'Progress for a user interface',
      'models-telemetry': 'OpenTelemetry for models',
      'models-shared-limits': 'One account, many programs',
      'models-compare': 'Which tool for what',
    },
  },
  {
    text: 'Models of your own',
    items: {
      serving: 'Serving models',
      replicas: 'Replicas of models',
      'models-parallel': 'Layouts of GPUs',
      'models-cost': 'Rent, buy or call an API',
    },
  },
  { text: 'Where it runs', items: { fleet: 'Many machines', servers: 'In a server', toolchains: 'Toolchains' } },
  {
    text: 'See what happened',
    items: {
      find: 'Finding what waits',
      plan: 'Plans of people',
      cli: 'Command line',
      traces: 'Traces',
      dashboard: 'Dashboard',
      errors: 'Errors',
    },
  },
  {
    text: inside,
    items: {
      'internals/a-task': 'The way of a task',
      'internals/pool': 'The pool',
      'internals/cancellation': 'Cancellation',
      'internals/wait-graph': 'The wait-for graph',
      'internals/adaptive-concurrency': 'Adaptive concurrency',
      'internals/streams': 'Streams',
      'internals/journal': 'The journal',
      'internals/kernels': 'Kernels',
      'internals/model-pool': 'The model pool',
      'internals/replicas': 'Replicas of models',
      'internals/fleet': 'The fleet',
      'internals/trace-format': 'The trace format',
      'internals/dashboard': 'The dashboard',
      'internals/tests': 'How tests are built',
    },
  },
]

/** A page that no menu leads to is a mistake, and so is an entry without a page. */
function checkMenu(): void {
  const files = readdirSync(fileURLToPath(new URL('../../docs', import.meta.url)), { recursive: true, encoding: 'utf8' })
  const written = files
    .filter((file) => file.endsWith('.md') && file !== 'index.md')
    .map((file) => file.slice(0, -3).replaceAll('\\', '/'))
  const listed = pages.flatMap(({ items }) => Object.keys(items))
  const difference = [...written.filter((page) => !listed.includes(page)), ...listed.filter((page) => !written.includes(page))]
  if (difference.length > 0) throw new Error(`docs/ and the menu in site/.vitepress/config.ts differ: ${difference.join(', ')}`)
}
checkMenu()

const guides: DefaultTheme.SidebarItem[] = pages.map(({ text, items }) => ({
  text,
  collapsed: text === inside,
  items: Object.entries(items).map(([page, title]) => ({ text: title, link: `/${page}` })),
}))

/** The modules of the package. Each page carries its whole menu, so the members of a module are listed on its own pages only. */
function modules(
  of: DefaultTheme.SidebarItem[],
  above = '',
): { name: string; link: string; members: DefaultTheme.SidebarItem[] }[] {
  return of.flatMap(({ text = '', link, items = [] }) => {
    const name = above + text
    const inside = items.filter((item) => item.link?.endsWith('/overview.md'))
    const members = items.filter((item) => !inside.includes(item))
    return [...(link ? [{ name, link, members }] : []), ...modules(inside, `${name}/`)]
  })
}
const reference = modules(api as DefaultTheme.SidebarItem[])
const moduleLinks = reference.map(({ name, link }) => ({ text: name, link }))

const sidebar: DefaultTheme.SidebarMulti = {
  '/': [...guides, { text: 'API', items: moduleLinks }],
  ...Object.fromEntries(
    reference.map(({ name, link, members }) => [
      link.replace(/overview\.md$/, ''),
      [
        { text: name, link, items: members },
        { text: 'Modules', items: moduleLinks },
      ],
    ]),
  ),
}

/** As on the dashboard (ui/src/parts/Logo.tsx): threads, and one that crosses them. */
const logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20" fill="none" stroke-width="2"><path stroke="#888" d="M3 2v16M10 2v16M17 2v16"/><path stroke="#2461d8" d="M1 6.5h5.2M13.8 6.5H19M6.8 10h6.4M1 13.5h5.2M13.8 13.5H19"/></svg>`

export default defineConfig({
  title: 'heddle',
  description: 'Finds what can run in parallel, runs it on every core, every API and every machine, and shows what it saved.',
  srcDir: 'pages',
  outDir: 'dist',
  cleanUrls: true,
  lastUpdated: false,
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: `data:image/svg+xml,${encodeURIComponent(logo)}` }]],
  markdown: {
    theme: { light: 'github-light', dark: 'github-dark' },
    config(markdown) {
      // Files of the repository that are not pages are named, not linked.
      markdown.core.ruler.push('repository-files', (state) => {
        const folder = posix.dirname((state.env as { readonly relativePath: string }).relativePath)
        for (const { children } of state.tokens) {
          let open = 0
          for (const token of children ?? []) {
            const leaves = token.type === 'link_open' && posix.join(folder, String(token.attrGet('href'))).startsWith('../')
            if (leaves || (token.type === 'link_close' && open > 0)) {
              open += leaves ? 1 : -1
              token.tag = 'span'
              token.attrs = null
            }
          }
        }
      })
      // Drawings are drawn in the browser, in the colours of the page.
      const { fence } = markdown.renderer.rules
      markdown.renderer.rules.fence = (tokens, at, ...rest) => {
        const token = tokens[at]
        if (token?.info.trim() !== 'mermaid') return fence?.(tokens, at, ...rest) ?? ''
        return `<Drawing code="${encodeURIComponent(token.content)}" />`
      }
    },
  },
  themeConfig: {
    nav: [
      { text: 'Guide', link: '/getting-started' },
      { text: 'API', link: '/api/overview' },
      { text: 'Errors', link: '/errors' },
    ],
    sidebar,
    search: { provider: 'local' },
    outline: { level: [2, 3] },
  },
})
