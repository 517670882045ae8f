/**
 * What workers inherit of the flags of this program: those that decide how modules resolve. Loaders (`--import`, `--require`, `--loader`) are not among them: on Node 20
 * some fail in threads and others lose named exports, so workers load TypeScript by themselves. What belongs to the whole process
 * (`--max-old-space-size`, `--inspect` …) holds for threads anyway. Processes inherit NODE_OPTIONS with the environment.
 */
const withValue = /^(-C|--conditions)$/
const inherited =
  /^(-C.+|--conditions=.+|--preserve-symlinks|--preserve-symlinks-main|--(no-)?experimental-(strip-types|transform-types|require-module|detect-module|import-meta-resolve|wasm-modules|vm-modules|specifier-resolution=.+|default-type=.+|addon-modules|websocket|sqlite)|--no-addons|--enable-source-maps)$/

export function inheritedFlags(execArgv: readonly string[] = process.execArgv): string[] {
  const flags: string[] = []
  for (let i = 0; i < execArgv.length; i++) {
    const flag = execArgv[i] as string
    if (withValue.test(flag)) flags.push(flag, execArgv[++i] ?? '')
    else if (inherited.test(flag)) flags.push(flag)
  }
  return flags
}
