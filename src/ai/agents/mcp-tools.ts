/** Tools of a server that speaks the Model Context Protocol, through its official SDK (an optional peer). */
import { type Duration, durationMs } from '../../base/duration.ts'
import { describe, HeddleError, InvalidOption } from '../../base/errors.ts'
import { optionalPackage } from '../../base/optional-package.ts'
import { messageOf } from '../../base/look.js'
import { checkOptions, rules } from '../../base/options.ts'
import { loadSdk } from '../model/load-sdk.ts'
import type { Sdk, SdkTool, Tools } from './sdk.ts'

/** Options of {@link mcpTools}: a server that is started as a process, or one at an address. */
export interface McpOptions {
  /** The program that is the server; it speaks over its standard input and output. */
  readonly command?: string
  /** Its arguments. @default none */
  readonly args?: readonly string[]
  /** Environment variables besides the few that the SDK passes on. */
  readonly env?: Readonly<Record<string, string>>
  /** The address of a server that speaks streamable HTTP. */
  readonly url?: string
  /** Put before the names of its tools, where two servers have a tool of one name. @default '' */
  readonly prefix?: string
  /** How long one call may take; a server that reports progress begins it anew. @default '1m' */
  readonly timeout?: Duration
  /** Names of the tools that are taken. @default all */
  readonly only?: readonly string[]
}

/** Tools of a server, and the connection to it. */
export interface McpTools extends AsyncDisposable {
  /** By name, for `agent` and every function of the AI SDK that takes tools. */
  readonly tools: Tools
  /** Ends the connection, and the process of a server that was started. */
  close(): Promise<void>
}

interface Client {
  connect(transport: unknown): Promise<void>
  listTools(params: { readonly cursor?: string }): Promise<{ readonly tools: readonly McpTool[]; readonly nextCursor?: string }>
  callTool(
    params: { readonly name: string; readonly arguments: unknown },
    schema: undefined,
    options: { readonly signal?: AbortSignal; readonly timeout: number; readonly resetTimeoutOnProgress: boolean },
  ): Promise<{ readonly content?: unknown; readonly structuredContent?: unknown; readonly isError?: boolean }>
  close(): Promise<void>
}

interface McpTool {
  readonly name: string
  readonly description?: string
  readonly inputSchema: object
}

/** A server that lists more than this is broken. */
const mostTools = 1_000
/** Node fires a longer timer at once. */
const longestTimerMs = 2 ** 31 - 1

/**
 * Connects to an MCP server and gives its tools, as tools of the AI SDK. Calls run side by side, are cancelled with their agent, and what a server
 * reports as an error is an error of the tool, which the model sees.
 *
 * @param options how the server is reached
 * @throws {InvalidOption} for wrong options @throws {HeddleError} when the SDK is not installed, or the server cannot be reached
 *
 * @example
 * await using files = await mcpTools({ command: 'npx', args: ['-y', '@modelcontextprotocol/server-filesystem', '.'] })
 * const reader = agent(model, { tools: files.tools })
 */
export async function mcpTools(options: McpOptions): Promise<McpTools> {
  const mcpRules = {
    command: rules.string,
    args: rules.object,
    env: rules.object,
    url: rules.string,
    prefix: rules.string,
    only: rules.object,
    timeout: rules.duration,
  }
  checkOptions<McpOptions>(options, mcpRules, 'mcpTools')
  const { command, url, prefix = '', only } = options
  const timeoutMs = Math.min(durationMs(options.timeout ?? '1m', 'timeout'), longestTimerMs)
  if ((command === undefined) === (url === undefined))
    throw new InvalidOption(`Expected mcpTools to get \`command\` or \`url\`, got ${command === undefined ? 'neither' : 'both'}`)
  const client = await connect(options)
  try {
    const { jsonSchema } = await loadSdk<Sdk>('Using the tools of an MCP server')
    const found = await listAll(client)
    const missing = only?.find((name) => !found.some((tool) => tool.name === name))
    if (missing !== undefined) throw new InvalidOption(`Expected \`only\` to name tools of the server, got ${describe(missing)}`)
    const taken = found.filter(({ name }) => only === undefined || only.includes(name))
    const tools = Object.fromEntries(
      taken.map((tool) => [prefix + tool.name, toolOf(client, tool, jsonSchema(tool.inputSchema), timeoutMs)] as const),
    )
    const close = (): Promise<void> => client.close()
    return { tools, close, [Symbol.asyncDispose]: close }
  } catch (error) {
    await client.close()
    throw error
  }
}

async function connect({ command, args = [], env, url }: McpOptions): Promise<Client> {
  const { Client } = (await load('@modelcontextprotocol/sdk/client/index.js')) as { Client: new (info: object) => Client }
  const client = new Client({ name: 'heddle', version: '1' })
  try {
    if (command !== undefined) {
      const { StdioClientTransport } = (await load('@modelcontextprotocol/sdk/client/stdio.js')) as {
        StdioClientTransport: new (options: object) => unknown
      }
      await client.connect(new StdioClientTransport({ command, args: [...args], ...(env && { env }) }))
    } else {
      const { StreamableHTTPClientTransport } = (await load('@modelcontextprotocol/sdk/client/streamableHttp.js')) as {
        StreamableHTTPClientTransport: new (url: URL) => unknown
      }
      await client.connect(new StreamableHTTPClientTransport(new URL(url as string)))
    }
    return client
  } catch (cause) {
    await client.close().catch(() => {})
    const where = command === undefined ? url : [command, ...args].join(' ')
    throw new HeddleError(`The MCP server ${JSON.stringify(where)} cannot be reached: ${messageOf(cause)}`, { cause })
  }
}

async function listAll(client: Client): Promise<readonly McpTool[]> {
  const all: McpTool[] = []
  for (let cursor: string | undefined; ;) {
    const { tools, nextCursor } = await client.listTools(cursor === undefined ? {} : { cursor })
    all.push(...tools)
    if (all.length > mostTools) throw new HeddleError(`The MCP server lists more than ${mostTools} tools`)
    if (nextCursor === undefined || nextCursor === cursor) return all
    cursor = nextCursor
  }
}

function toolOf(client: Client, { name, description }: McpTool, inputSchema: unknown, timeout: number): SdkTool {
  return {
    description,
    inputSchema,
    async execute(input: unknown, { abortSignal }: { readonly abortSignal?: AbortSignal } = {}) {
      const call = { name, arguments: input }
      const result = await client.callTool(call, undefined, {
        timeout,
        resetTimeoutOnProgress: true,
        ...(abortSignal && { signal: abortSignal }),
      })
      if (result.isError) throw new HeddleError(`The tool ${name} failed: ${textOf(result.content)}`)
      return result.structuredContent ?? (isText(result.content) ? textOf(result.content) : result.content)
    },
  }
}

function isText(content: unknown): content is readonly { readonly text: string }[] {
  return Array.isArray(content) && content.every((part: { type?: unknown } | null) => part?.type === 'text')
}

function textOf(content: unknown): string {
  return isText(content) ? content.map(({ text }) => text).join('\n') : JSON.stringify(content)
}

function load(name: string): Promise<unknown> {
  return optionalPackage('Using the tools of an MCP server', '@modelcontextprotocol/sdk', () => import(name))
}
