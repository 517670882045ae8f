// @ts-nocheck -- its packages are those of the set, not of the project
// A server of the Model Context Protocol, by its official SDK: tools that add, fail, wait until they are cancelled, and say how many calls run at once.
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { z } from 'zod'

const server = new McpServer({ name: 'sums', version: '1.0.0' })
const text = (value) => ({ content: [{ type: 'text', text: String(value) }] })
let running = 0
let peak = 0
server.registerTool('add', { description: 'Adds', inputSchema: { a: z.number(), b: z.number() } }, async ({ a, b }) => {
  peak = Math.max(peak, ++running)
  await new Promise((resolve) => setTimeout(resolve, 20))
  running--
  return text(a + b)
})
server.registerTool('fail', { description: 'Fails', inputSchema: {} }, async () => ({ ...text('out of order'), isError: true }))
server.registerTool('peak', { description: 'Most calls at once', inputSchema: {} }, async () => text(peak))
server.registerTool('shape', { description: 'Structured', inputSchema: {}, outputSchema: { sides: z.number() } }, async () => ({
  ...text('four'),
  structuredContent: { sides: 4 },
}))
server.registerTool('wait', { description: 'Waits', inputSchema: {} }, () => new Promise(() => {}))
await server.connect(new StdioServerTransport())
