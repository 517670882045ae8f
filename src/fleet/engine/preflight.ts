/** Whether a Redis keeps what it is given, by what its `INFO` says: `CONFIG` is often forbidden. Pure. */

const leastVersion = [6, 2] as const

/** What is wrong, each with its mend; empty where nothing is. */
export function preflightOf(info: string): string[] {
  const fields = new Map(
    info.split(/\r?\n/).flatMap((line): [string, string][] => {
      const at = line.indexOf(':')
      return line.startsWith('#') || at < 1 ? [] : [[line.slice(0, at), line.slice(at + 1).trim()]]
    }),
  )
  const wrong: string[] = []
  const policy = fields.get('maxmemory_policy')
  if (policy !== 'noeviction')
    wrong.push(`maxmemory-policy is ${policy ?? 'unknown'}, which may drop work: set maxmemory-policy noeviction`)
  if (fields.get('aof_enabled') !== '1')
    wrong.push('the append-only file is off, so that a crash of Redis loses work: set appendonly yes')
  const role = fields.get('role')
  if (role !== 'master') wrong.push(`it is a ${role ?? 'unknown role'}, which takes no work: name the master`)
  const version = fields.get('redis_version') ?? '0'
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major < leastVersion[0] || (major === leastVersion[0] && minor < leastVersion[1]))
    wrong.push(`its version is ${version}: use ${leastVersion.join('.')} or newer`)
  return wrong
}
