/** A server whose tiles are computed on all cores. It answers until SIGTERM, and says at the end what it did. */
import Fastify from 'fastify'
import { guard, limiter, Overflow, scope, TimedOut, warmUp } from 'heddle'
import { tile } from './tiles.ts'

export interface Served {
  readonly answered: number
  readonly refused: number
  readonly left: number
}

/** For all clients together: what does not fit is refused at once, instead of waiting behind a queue that grows. */
const bounded = guard(tile, { limit: limiter({ concurrency: 4, maxQueue: 64 }), queueTimeout: '5s' })

export default async function main(port = '0'): Promise<Served> {
  const served = { answered: 0, refused: 0, left: 0 }
  let draining = false
  const app = Fastify()
  // Otherwise clients keep their connections, and closing waits until those time out.
  app.addHook('onSend', async (_, reply) => {
    if (draining) reply.header('connection', 'close')
  })

  app.get<{ Params: { x: string; y: string }; Querystring: { size?: string } }>('/tiles/:x/:y', async (request, reply) => {
    const { params, query, signal } = request
    const size = Math.min(4_096, Number(query.size ?? 128))
    try {
      // The client's signal and the deadline end the tile, also inside its worker.
      const pixels = await scope((s) => s.fork(() => bounded(Number(params.x), Number(params.y), size)), {
        signal,
        deadline: '30s',
      })
      served.answered++
      return await reply.type('application/octet-stream').send(Buffer.from(pixels.buffer))
    } catch (error) {
      if (signal.aborted) served.left++
      else if (error instanceof Overflow || error instanceof TimedOut) {
        served.refused++
        return reply.code(503).header('retry-after', '1').send()
      }
      throw error
    }
  })
  app.get('/health', async (_, reply) => reply.code(draining ? 503 : 200).send())
  app.get('/served', async () => served)

  // Workers start and load their module before the first request.
  await warmUp([tile])
  console.log(`listening on ${await app.listen({ port: Number(port), host: '127.0.0.1' })}`)
  await new Promise((resolve) => process.once('SIGTERM', resolve))
  draining = true
  // Closes idle connections, accepts nothing new, and waits for what is under way.
  await app.close()
  return served
}
