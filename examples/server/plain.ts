/** The same without heddle: a tile holds the event loop, and with it all other requests. */
import Fastify from 'fastify'
import { drawTile } from './picture.ts'

export default async function main(port = '0'): Promise<number> {
  let answered = 0
  const app = Fastify()
  app.get<{ Params: { x: string; y: string }; Querystring: { size?: string } }>(
    '/tiles/:x/:y',
    async ({ params, query }, reply) => {
      const size = Math.min(4_096, Number(query.size ?? 128))
      const pixels = new Uint8Array(size * size)
      drawTile(pixels, size, Number(params.x), Number(params.y), () => false)
      answered++
      return reply.type('application/octet-stream').send(Buffer.from(pixels.buffer))
    },
  )
  app.get('/health', async (_, reply) => reply.send())
  console.log(`listening on ${await app.listen({ port: Number(port), host: '127.0.0.1' })}`)
  await new Promise((resolve) => process.once('SIGTERM', resolve))
  await app.close()
  return answered
}
