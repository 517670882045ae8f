import { ThreadWorker } from 'poolifier'
import * as plain from './plain.mjs'

export default new ThreadWorker({ ...plain })
