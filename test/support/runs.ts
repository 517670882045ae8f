/**
 * How many cases a test draws: `few` after every change, `many` in `npm run test:long`, which runs the same tests again and draws new ones.
 */
export const runs = (few: number, many: number): number => (process.env['HEDDLE_LONG_TESTS'] === 'true' ? many : few)
