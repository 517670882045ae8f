/**
 * What workers inherit of the flags of this program: those that decide how modules resolve and load, hooks (`--import`, `--require`, `--loader`)
 * among them. Loaders of TypeScript are left out: on Node 20 some fail in threads and others lose named exports, so workers load TypeScript by
 * themselves. What belongs to the whole process (`--max-old-space-size`, `--inspect` …) holds for threads anyway. NODE_OPTIONS comes with the
 * environment.
 */
const conditions = /^(-C|--conditions)$/
const hooks = /^(-r|--require|--import|--loader|--experimental-loader)(?:=(.*))?$/s
/** As a package, in a path, and with what follows the name: `tsx`, `ts-node/esm`, `file:///…/node_modules/tsx/dist/loader.mjs`. */
const typescriptLoader =
  /(^|[/\\])(tsx|ts-node|ts-node-esm|jiti|@?esbuild-(register|kit|runner)|@esbuild-kit|@?swc-node|@oxc-node|@babel[/\\]register|sucrase|tsm|amaro|ts-blank-space|vite-node|tsimp|@nodejs-loaders)([/\\@]|$)/
const inherited =
  /^(-C.+|--conditions=.+|--preserve-symlinks|--preserve-symlinks-main|--(no-)?(strip-types|require-module|experimental-(strip-types|transform-types|require-module|detect-module|import-meta-resolve|wasm-modules|vm-modules|specifier-resolution=.+|default-type=.+|addon-modules|websocket|sqlite))|--no-addons|--enable-source-maps)$/

export function inheritedFlags(execArgv: readonly string[] = process.execArgv): string[] {
  const flags: string[] = []
  for (let i = 0; i < execArgv.length; i++) {
    const flag = execArgv[i] as string
    const hook = hooks.exec(flag)
    if (hook) {
      const given = hook[2] ?? execArgv[++i] ?? ''
      if (!typescriptLoader.test(given)) flags.push(hook[1] as string, given)
    } else if (conditions.test(flag)) flags.push(flag, execArgv[++i] ?? '')
    else if (inherited.test(flag)) flags.push(flag)
  }
  return flags
}
