/** The simulator behind `startProvider`. */
import { simulate } from 'heddle/ai/simulator'

const provider = await simulate(JSON.parse(process.argv[2] ?? '{}'))
process.on('message', ({ model }) => process.send?.(provider.stats(model)))
process.on('disconnect', () => process.exit())
process.send?.({ baseURL: provider.baseURL })
