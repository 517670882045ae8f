/** Against a real server of the protocol's official SDK, over standard input and output. */
import { existsSync, symlinkSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { counterparts } from '../../../test/support/counterparts.ts'
import { InvalidOption } from '../../base/errors.ts'
import { agent, type McpTools, mcpTools } from '../index.ts'
import { scripted } from './scripted.fixture.ts'

const set = counterparts('mcp')
const place = fileURLToPath(new URL('../../../node_modules/@modelcontextprotocol', import.meta.url))

interface CallOptions {
  readonly abortSignal?: AbortSignal
}

function callTool({ tools }: McpTools, name: string, input: unknown = {}, options: CallOptions = {}): Promise<unknown> {
  const execute = (tools[name] as { execute: (input: unknown, options: CallOptions) => Promise<unknown> }).execute
  return execute(input, options)
}

describe.skipIf(!set)('tools of an MCP server', () => {
  const server = { command: process.execPath, args: [join(set?.folder ?? '', 'server.mjs')] }

  let linked = false

  beforeAll(() => {
    Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })
    // heddle imports the SDK as a program's own dependency.
    linked = !existsSync(place)
    if (linked) symlinkSync(join(set?.folder ?? '', 'node_modules/@modelcontextprotocol'), place)
  })
  afterAll(() => {
    if (linked) unlinkSync(place)
  })

  test('are tools of an agent, called side by side; what fails is said to the model', async () => {
    await using sums = await mcpTools(server)
    expect(Object.keys(sums.tools).toSorted()).toEqual(['add', 'fail', 'peak', 'shape', 'wait'])
    const model = scripted(({ results }) =>
      results.length === 0
        ? { calls: [...[1, 2, 3, 4].map((a) => ({ tool: 'add', input: { a, b: 10 } })), { tool: 'fail', input: {} }] }
        : { text: results.map(String).join(' ') },
    )
    const said = await agent(model, { tools: sums.tools })('add')
    expect(said).toMatch(/^11 12 13 14 .*out of order/)
    const call = (name: string, input?: unknown): Promise<unknown> => callTool(sums, name, input)
    expect(Number(await call('peak'))).toBe(4)
    expect(await call('shape')).toEqual({ sides: 4 })
    await expect(call('add', { a: 'no number' })).rejects.toThrow(/add/)
  })

  test('are cancelled with their agent, and end with their connection', async () => {
    const sums = await mcpTools({ ...server, prefix: 'sums_', only: ['wait'] })
    expect(Object.keys(sums.tools)).toEqual(['sums_wait'])
    const controller = new AbortController()
    const waiting = callTool(sums, 'sums_wait', {}, { abortSignal: controller.signal })
    controller.abort()
    await expect(waiting).rejects.toThrow(/./)
    const open = callTool(sums, 'sums_wait')
    await sums.close()
    await expect(open).rejects.toThrow(/closed/i)
  })

  test('that never answer are given up after their time', async () => {
    await using sums = await mcpTools({ ...server, timeout: 50 })
    await expect(callTool(sums, 'wait')).rejects.toThrow(/timed out/i)
    expect(Number(await callTool(sums, 'peak'))).toBe(0)
  })

  test('a server that is not there, or is none, is an error that says which', async () => {
    await expect(mcpTools({ command: '/no/such/program' })).rejects.toThrow(/"\/no\/such\/program" cannot be reached/)
    await expect(mcpTools({ command: process.execPath, args: ['-e', 'process.exit(3)'] })).rejects.toThrow(/cannot be reached/)
    await expect(mcpTools({ ...server, only: ['nothing'] })).rejects.toBeInstanceOf(InvalidOption)
    await expect(mcpTools({})).rejects.toThrow(/got neither/)
    await expect(mcpTools({ command: 'x', url: 'http://y' })).rejects.toThrow(/got both/)
  })
})
