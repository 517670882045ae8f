/** The page that the server hands out. */
import { openServer } from './source/server.ts'
import { start } from './start.tsx'

void start(openServer)
