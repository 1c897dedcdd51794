/** Starts measuring; the result gives the CPU time of this process since then, in ms, whatever else the machine does. */
export function cpuTimer(): () => number {
  const begun = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(begun);
    return (user + system) / 1_000;
  };
}
