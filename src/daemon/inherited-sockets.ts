/**
 * Sockets that systemd opened for this process (sd_listen_fds(3)): clients that came before it wait in them. Knows their numbers and
 * nothing of what is served there.
 */

/** systemd hands them on from this number on. */
const firstDescriptor = 3;

/** Descriptors of listening sockets; empty where systemd opened none for the process `pid`. */
export function inheritedSockets(env: Readonly<Record<string, string | undefined>>, pid: number): number[] {
  const count = Number(env.LISTEN_FDS);
  if (Number(env.LISTEN_PID) !== pid || !Number.isInteger(count) || count < 1) return [];
  return Array.from({ length: count }, (_, i) => firstDescriptor + i);
}
