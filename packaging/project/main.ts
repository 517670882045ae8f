import { all, graph, mapReduce } from 'heddle'
import { explain, record } from 'heddle/trace'
import { count } from './words.ts'

const texts = Array.from({ length: 14 }, () => 'three words each')
const { value, trace } = await record(() => mapReduce(texts, count, (a, b) => a + b))
const { one, two } = await all({ one: () => count('a b c'), two: async () => 'two' })
const g = graph('check')
const base = g.task('base', () => one)
const sum: number = await g.run(g.task('sum', { base }, ({ base }) => base + two.length))
if (sum !== 6 || explain(trace).work.workMs <= 0) throw new Error('wrong')
console.log(`${value} words`)
