import { hostname, userInfo } from 'node:os';

/** Who starts a job, for those who see it later: user and machine. */
export function whoAmI(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A user that has no name, as in some containers.
    return hostname();
  }
}
