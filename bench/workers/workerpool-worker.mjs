import workerpool from 'workerpool'
import * as plain from './plain.mjs'

workerpool.worker({ ...plain })
