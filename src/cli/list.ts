import { starterConfig } from '../config.ts';
import { type AddCommand, print, printAside } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { JSON_OPTION } from './job-command.ts';
import { listJobs } from './listed.ts';
import { jobsTable, listedJson } from './list-words.ts';
import { tidyStoreHash } from './names.ts';
import { painter } from './paint.ts';
import { type Session, withSession } from './session.ts';
import { numeric } from './start.ts';

interface Flags {
  store?: string;
  limit?: number;
  json?: boolean;
}

const DEFAULT_LIMIT = 20;

/** `list`: prints the jobs that run and those that ended last. */
export const addList: AddCommand = (program, act) => {
  program
    .command('list')
    .description('print the jobs that run and those that ended last, the newest first')
    .option('--store <hash>', 'only jobs whose id names this store')
    .option('--limit <n>', `at most this many; default: ${DEFAULT_LIMIT}`, numeric(1, 1_000))
    .addOption(JSON_OPTION('one JSON object a job and line'))
    .action((flags: Flags) =>
      act((interrupt) => {
        interrupt.farewell = '';
        const storeHash = flags.store === undefined ? undefined : tidyStoreHash(flags.store);
        return withSession(starterConfig(), (session) => list(session, storeHash, flags));
      }),
    );
};

async function list(
  session: Session,
  storeHash: string | undefined,
  { limit = DEFAULT_LIMIT, json }: Flags,
): Promise<number> {
  const jobs = await listJobs(session, storeHash, limit);
  const say = json ? printAside : print;
  if (json) for (const job of jobs) print(JSON.stringify(listedJson(session, job)));
  else if (jobs.length > 0) print(jobsTable(jobs, Date.now(), painter(process.stdout)));
  const troubles = new Set(jobs.flatMap(({ trouble }) => trouble ?? []));
  if (troubles.size > 0) say(`\nWhat is shown as "-" is not known. ${[...troubles].join(' ')}`);
  if (jobs.length === 0) {
    const where = storeHash === undefined ? `The namespace ${session.namespace}` : `The store ${storeHash}`;
    say(`${where} has no job that runs, and none that ended within the namespace's retention.`);
  }
  return EXIT.allUpdated;
}
