/** Milliseconds of processor time that this process took for some work: other programs' share of a busy machine is not in it. */
export function processorMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
