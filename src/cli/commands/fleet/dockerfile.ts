/** An image of workers: packages without development's, no root, node as the first process, so that signals reach it. */
import { healthPort } from './manifests.ts'

/** @param files paths of worker modules in the project */
export function dockerfileOf(files: readonly string[]): string {
  return `# syntax=docker/dockerfile:1
FROM node:22-alpine AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force

FROM node:22-alpine
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY . .
USER 1000
EXPOSE ${healthPort}
HEALTHCHECK --interval=30s --timeout=5s CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:${healthPort}/live"]
ENTRYPOINT ["node", "node_modules/heddle/dist/cli.js", "worker", "--health", "${healthPort}"]
CMD ${JSON.stringify(files)}
`
}
