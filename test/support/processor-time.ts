/**
 * The milliseconds of processor time that this process has taken since: they bound how much work something is, and stand still while other
 * programs have the machine.
 */
export function processorTime(): () => number {
  const from = process.cpuUsage()
  return () => process.cpuUsage(from).user / 1_000
}
