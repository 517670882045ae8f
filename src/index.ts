export { HeddleError } from './base/errors.ts'
