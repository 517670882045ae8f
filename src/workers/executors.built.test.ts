import { testExecutor } from '../run/executor.conformance.ts'
import { processes, threads } from './executors.ts'
import { thisThread } from './this-thread.ts'

testExecutor('this thread', { open: () => thisThread, remote: false, shares: true })
testExecutor('threads', { open: () => threads({ size: 2 }), remote: true, shares: true })
testExecutor('processes', { open: () => processes({ size: 2 }), remote: true, shares: false })
