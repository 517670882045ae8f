/** What things are called in the store: all of a tenant lies under one prefix, so that one rule of an access list covers it. */
import { createHash } from 'node:crypto'
import { describe, InvalidOption } from '../../base/errors.ts'
import type { FunctionName } from '../protocol/message.ts'

/** In braces, so that a Redis cluster keeps all of it together. */
export const prefix = '{heddle}'

export const defaultFleet = 'main'
export const defaultTenant = 'default'

/** A module as a client means it and a worker has it. */
export interface ModuleBuild {
  readonly package: string
  readonly module: string
  /** Hash of the code, or what `HEDDLE_BUILD` says. */
  readonly build: string
}

const word = /^[A-Za-z0-9_]{1,60}$/

/** @throws {InvalidOption} */
export function checkName(value: unknown, what: string): string {
  if (typeof value === 'string' && word.test(value)) return value
  throw new InvalidOption(`Expected \`${what}\` of a fleet to be letters, digits and _, 60 at most, got ${describe(value)}`)
}

/** The beginning of all names of one tenant of one fleet. */
export const spaceOf = (fleet: string, tenant: string): string => `${fleet}-${tenant}`

/** The queue for one module in one build. */
export function queueOf(space: string, module: ModuleBuild): string {
  const text = JSON.stringify([module.package, module.module, module.build])
  return `${space}-${createHash('sha256').update(text).digest('hex').slice(0, 12)}`
}

/** As it shows in messages. */
export const shownModule = ({ package: name, module, build }: ModuleBuild): string =>
  `${name === '' ? '' : `${name}/`}${module} @${build.slice(0, 12)}`

export const keyOf = ({ package: owner, module, name }: FunctionName): string => JSON.stringify([owner, module, name])
