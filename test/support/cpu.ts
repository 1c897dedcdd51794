/** Returns a function that gives the CPU time of this process since then, in ms; the machine's other work does not count. */
export function cpuTimer(): () => number {
  const begun = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(begun);
    return (user + system) / 1_000;
  };
}
