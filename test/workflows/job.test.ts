/** A job's decisions, without a server: whatever its activities answer and people say, it ends and its counts add up. */
import fc from 'fast-check';
import type { ChunkOutcome } from '../../src/contract/activities.ts';
import type { Failure } from '../../src/contract/job.ts';
import { encodeRuns } from '../../src/contract/outcomes.ts';
import { ChunkQueue } from '../../src/workflows/chunk-queue.ts';
import { Job, type Sent } from '../../src/workflows/job.ts';
import { Ledger } from '../../src/workflows/ledger.ts';
import { progressOf } from '../../src/workflows/progress.ts';

const KINDS = ['updated', 'rejected', 'taken', 'unanswered', 'refused', 'lost'] as const;

function jobOf(chunks: number): Job {
  const rows = chunks * 10;
  const job = new Job({ storeHash: 'abc', key: 'run' }, { storeHash: 'abc', source: { uri: 'file:///a.csv' } });
  const sizes = { chunks, chunksToSend: chunks, lastSentSize: 10, lastSize: 10 };
  const gaps = encodeRuns(Array<number>(2 * chunks).fill(0));
  job.prepared(
    Ledger.of({ total: rows, invalid: 0, valid: rows, ...sizes, gaps, failures: [], olderIn: null }),
    ChunkQueue.of(chunks),
  );
  return job;
}

function answer(job: Job, sent: Sent, kind: (typeof KINDS)[number], now: number): void {
  const ids = sent.item.only ?? Array.from({ length: 10 }, (_, index) => sent.item.chunk * 10 + index + 1);
  const failures = (outcome: Failure['outcome'], code: Failure['code']) =>
    ids.map((id) => ({ row: id, id, outcome, code, message: '' }));
  const outcome = (failed: Failure[]): ChunkOutcome => {
    const calls = { calls: 1, throttled: 0, attempts: 1, concurrency: 3 };
    return { updated: ids.length - failed.length, failures: failed, ...calls };
  };
  if (kind === 'updated') return job.settle(sent, outcome([]), now);
  if (kind === 'rejected') return job.settle(sent, outcome(failures('rejected', 'unknown_id')), now);
  if (kind === 'taken') return job.settle(sent, outcome(failures('rejected', 'email_taken')), now);
  if (kind === 'lost') return job.settle(sent, { ...outcome([]), updated: 0 }, now);
  if (kind === 'unanswered') return job.unanswered(sent, outcome(failures('failed', 'unavailable')), '', now);
  job.queue.putBack(sent.item, 1);
  job.refused(sent, '', now);
}

test('any job ends, with at most eight chunks under way, and its counts add up at every moment', () => {
  const answers = fc.array(fc.constantFrom(...KINDS), { minLength: 1, maxLength: 40 });
  const said = fc.array(fc.constantFrom('pause', 'resume', 'nothing', 'nothing'), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.nat(60), answers, said, fc.infiniteStream(fc.nat()), (chunks, kinds, says, random) => {
      const job = jobOf(chunks);
      const underWay: Sent[] = [];
      let now = 0;
      for (let turn = 0; underWay.length > 0 || !job.queue.empty || turn === 0; turn++) {
        expect(turn).toBeLessThan(20_000);
        const calm = turn > 200;
        const what = calm ? 'resume' : says[turn % says.length];
        if (what === 'pause') job.pause('');
        if (what === 'resume') job.resume();
        const step = job.next(now, underWay.length, () => true);
        const most = !step ? 0 : step.probe ? 1 : job.window;
        while (underWay.length < most) {
          const item = job.queue.take();
          if (!item) break;
          underWay.push({ item, probe: step?.probe, doneBefore: job.ledger.done });
        }
        expect(underWay.length).toBeLessThanOrEqual(8);
        if (job.hold && step?.probe) expect(underWay).toHaveLength(1);
        const [sent] = underWay.splice((random.next().value as number) % (underWay.length || 1), 1);
        if (sent) answer(job, sent, calm ? 'updated' : (kinds[turn % kinds.length] as (typeof KINDS)[number]), now);
        now += job.waitMs(now, underWay.length) ?? 100;
        const { total, ...counts } = progressOf(job, now).customers;
        expect(Object.values(counts).reduce((sum, count) => sum + count)).toBe(total);
      }
      expect(job.ledger.done).toBe(chunks);
    }),
    { numRuns: 200 },
  );
});
