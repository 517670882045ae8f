/** The simulator behind `startProvider`. */
import { simulate } from 'heddle/ai/simulator'

const provider = await simulate(JSON.parse(process.argv[2] ?? '{}'))
process.on('message', () => process.send?.(provider.stats()))
process.on('disconnect', () => process.exit())
process.send?.({ baseURL: provider.baseURL })
