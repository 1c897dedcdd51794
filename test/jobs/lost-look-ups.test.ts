/** Jobs that end after what was looked up for them was lost or damaged: whatever became of it, each row is counted as it is reported. */
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { MockActivityEnvironment } from '@temporalio/testing';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { lookUpPage } from '../../src/activities/look-up-page.ts';
import type { StoreParts } from '../../src/activities/store-activities.ts';
import type { Finding } from '../../src/bigcommerce/store.ts';
import { CHUNKS_PER_PAGE, type PageOutcome, type PageRef } from '../../src/contract/activities.ts';
import { addressKey } from '../../src/contract/address.ts';
import type { CustomerCounts, Failure } from '../../src/contract/job.ts';
import type { Places } from '../../src/contract/look-ups.ts';
import { closeJob } from '../../src/jobs/close.ts';
import { jobKeys } from '../../src/jobs/keys.ts';
import { LookUpFiles } from '../../src/jobs/look-ups.ts';
import { PageReader } from '../../src/jobs/pages.ts';
import { prepare } from '../../src/jobs/prepare.ts';
import type { FileStorage } from '../../src/storage/file.ts';
import { Ledger } from '../../src/workflows/ledger.ts';
import { RUNS } from '../support/fuzz.ts';
import { inline, newStorage } from './support.ts';

const job = { storeHash: 'abc', key: 'run-1' };
const keys = jobKeys(job);

/** What the store has of each row's customer, at one look-up and the next. */
type Has = 'old' | 'new' | 'nobody';

interface Story {
  rows: [Has, Has][];
  /** Chunks that are sent after the first look-up, and after the second. */
  sent: [number, number];
  /** By turns, what becomes of rows that are sent. */
  fates: ('updated' | 'rejected' | 'failed')[];
  /** Which look-up is lost. */
  lost: 'none' | 'first' | 'last';
  damaged: boolean;
}

const stories = fc.record<Story>({
  rows: fc.array(fc.tuple(fc.constantFrom('old', 'old', 'new', 'nobody'), fc.constantFrom('old', 'new', 'nobody')), {
    minLength: 35,
    maxLength: 70,
    size: 'max',
  }),
  sent: fc.tuple(fc.nat(3), fc.nat(1)),
  fates: fc.array(fc.constantFrom('updated', 'updated', 'rejected', 'failed'), { minLength: 1, maxLength: 7 }),
  lost: fc.constantFrom('none', 'first', 'last', 'last'),
  damaged: fc.boolean(),
});

class Played {
  readonly storage: FileStorage;
  readonly ledger: Ledger;
  readonly #story: Story;
  readonly #lookUps: LookUpFiles;
  #asked = 0;
  #next = 0;

  private constructor(storage: FileStorage, ledger: Ledger, story: Story) {
    this.storage = storage;
    this.ledger = ledger;
    this.#story = story;
    this.#lookUps = new LookUpFiles(storage, new PageReader(storage));
  }

  static async of(story: Story): Promise<Played> {
    const storage = await newStorage();
    const rows = story.rows.map((_, index) => ({ email: `a${index + 1}@x.com`, notes: 'new' }));
    const prepared = await prepare({ storage, keys, records: inline(rows), limit: null, match: 'email' });
    return new Played(storage, Ledger.of(prepared), story);
  }

  async lookUp(asked: Places[]): Promise<void> {
    const turn = this.#asked++;
    const findByEmail = async ({ emails, onFound }: Finding<string> & { emails: string[] }) => {
      for (const email of emails) {
        const id = Number(/\d+/.exec(email)?.[0]);
        const has = this.#story.rows[id - 1]?.[turn];
        onFound?.(
          addressKey(email),
          has === 'nobody' ? { kind: 'unknown' } : { kind: 'found', customer: { id, email, notes: has } },
        );
      }
    };
    const store = { concurrency: () => 3, findByEmail };
    const parts = { store, permit: { draining: new AbortController().signal }, lookUps: this.#lookUps };
    const ref: PageRef = { job, page: 0, asked, match: 'email', skipUnchanged: true, dryRun: false };
    const outcome = await new MockActivityEnvironment().run<[StoreParts, PageRef], PageOutcome, typeof lookUpPage>(
      lookUpPage,
      parts as unknown as StoreParts,
      ref,
    );
    if (!this.ledger.lookedUp(0, asked.at(-1) as Places, outcome)) throw new Error('The look-up leaves rows out.');
  }

  /** Sends so many of the chunks from `from` on. Returns the first one that was not sent. */
  async send(from: number, count: number): Promise<number> {
    const places = this.ledger.plan.chunks;
    let chunk = from;
    for (; chunk < Math.min(from + count, places) && this.ledger.sizeOf(chunk) > 0; chunk++) {
      const { rows } = await this.#lookUps.readChunk(keys, chunk, this.ledger.askedFor(chunk));
      const failures = rows.flatMap((row): Failure[] => {
        const outcome = this.#story.fates[this.#next++ % this.#story.fates.length];
        if (outcome === undefined || outcome === 'updated') return [];
        return [{ row, line: null, id: row, outcome, code: 'rejected', message: 'm' }];
      });
      this.ledger.record(chunk, { failures }, 1);
    }
    return chunk;
  }

  async lose(): Promise<void> {
    const folder = `${keys.folder}/look-ups`;
    const names = (await readdir(`${fileURLToPath(this.storage.root)}/${folder}`)).sort();
    const name = this.#story.lost === 'first' ? names[0] : names.at(-1);
    if (this.#story.damaged) await this.storage.write(`${folder}/${name}`, ['{"at":1,"match":"email"}\n[1,0,\n']);
    else await this.storage.delete(`${folder}/${name}`);
  }

  /** The counts that the job's result has, and those of its report. */
  async close(): Promise<{ counted: CustomerCounts; reported: CustomerCounts; notes: string[] }> {
    this.ledger.end();
    const { plan, outcomes, lookUps, failures, olderIn } = this.ledger.carry();
    const { customers, notes = [] } = await closeJob(this.storage, 'run-1', {
      ...{ job, id: 'x', source: { customers: [] }, isLastTry: true, readAgain: async () => inline([]) },
      options: {
        ...{ dryRun: false, limit: null, reportAll: true, backup: false, skipUnchanged: true },
        ...{ blankCells: 'keep', match: 'email' },
      },
      ...{ plan, outcomes, lookUps, failures, olderIn, maybeSent: [] },
    });
    if (customers) this.ledger.correct(customers);
    const report: Buffer[] = [];
    for await (const piece of this.storage.read(keys.report)) report.push(Buffer.from(piece));
    const reported = { total: 0, updated: 0, rejected: 0, failed: 0, invalid: 0, unprocessed: 0 };
    for (const [, , , outcome] of parse(Buffer.concat(report)).slice(1)) {
      reported.total++;
      reported[outcome as 'updated']++;
    }
    return { counted: this.ledger.counts, reported, notes };
  }
}

async function play(story: Story) {
  const played = await Played.of(story);
  const all: Places = [0, played.ledger.placesOf(0)[1]];
  await played.lookUp([all]);
  const next = await played.send(0, story.sent[0]);
  const left = [next, played.ledger.chunks.total] as Places;
  if (left[0] < left[1] && left[1] <= CHUNKS_PER_PAGE) {
    await played.lookUp([all, left]);
    await played.send(next, story.sent[1]);
  }
  if (story.lost !== 'none') await played.lose();
  return played.close();
}

test('the counts are those of the lines of the report, whichever look-up is lost and when', async () => {
  let lost = 0;
  await fc.assert(
    fc.asyncProperty(stories, async (story) => {
      const { counted, reported, notes } = await play(story);
      expect(counted).toEqual(reported);
      expect(counted.total).toBe(story.rows.length);
      if (notes.some((note) => /is not known/.test(note))) lost++;
      else expect(story.lost === 'none' || counted.unprocessed === 0).toBe(true);
    }),
    { numRuns: RUNS },
  );
  expect(lost).toBeGreaterThan(RUNS / 10);
});

const FATES: Story['fates'] = ['updated'];
const OLD: [Has, Has] = ['old', 'old'];

test('rows of which nobody can tell whether they were sent count as failed, not as updated, and are to be sent again', async () => {
  const { counted, notes } = await play({
    ...{ rows: Array.from({ length: 30 }, () => OLD), sent: [1, 1], fates: FATES, lost: 'first', damaged: true },
  });
  expect(counted).toMatchObject({ total: 30, updated: 0, failed: 30, unprocessed: 0 });
  expect(notes.join()).toMatch(/^What became of 30 rows is not known, .* They count as failed\.$/);
});

test('and those of a page of which all was sent are known to be updated', async () => {
  const { counted, notes } = await play({
    ...{ rows: Array.from({ length: 30 }, () => OLD), sent: [3, 0], fates: FATES, lost: 'first', damaged: false },
  });
  expect(counted).toMatchObject({ total: 30, updated: 30, failed: 0 });
  expect(notes.join()).not.toMatch(/not known/);
});
