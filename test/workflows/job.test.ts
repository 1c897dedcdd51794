/** A job's decisions, without a server: whatever the store answers and people do, it ends and accounts for all rows. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ChunkOutcome } from '../../src/contract/activities.ts';
import { type Failure, FAILURES_IN_STATE } from '../../src/contract/job.ts';
import { encodeRuns } from '../../src/contract/outcomes.ts';
import { pack, unpack } from '../../src/workflows/arguments.ts';
import { ChunkQueue } from '../../src/workflows/chunk-queue.ts';
import { Job, LOOK_AHEAD } from '../../src/workflows/job.ts';
import type { ChunkEnd, Sent, Step } from '../../src/workflows/steps.ts';
import { Ledger } from '../../src/workflows/ledger.ts';
import { progressOf } from '../../src/workflows/progress.ts';
import { seeded } from '../chaos/random.ts';
import { FUZZ_MS, RUNS } from '../support/fuzz.ts';

/** How an activity may end: `lost` leaves customers out, as a page that can't be read does. */
const ENDS = ['updated', 'rejected', 'taken', 'failed', 'lost', 'unanswered', 'refused', 'stopped'] as const;

/** What may happen between two steps of a job. */
const EVENTS = ['nothing', 'pause', 'resume', 'cancel', 'renew'] as const;

interface Plan {
  chunks: number;
  /** Chunks at the end that are left out, as `limit` does. */
  leftOut: number;
  lastSize: number;
  maxRejectedPercent: number;
  /** How its activities end while the store does not behave. */
  ends: (typeof ENDS)[number][];
  events: (typeof EVENTS)[number][];
  /** Steps after which the store behaves, and people only resume the job. */
  calmAfter: number;
  /** Of all other choices. */
  seed: number;
}

const plans: fc.Arbitrary<Plan> = fc.record({
  chunks: fc.oneof(fc.nat(12), fc.nat(100)),
  leftOut: fc.constantFrom(0, 0, 0, 1, 5),
  lastSize: fc.integer({ min: 1, max: 10 }),
  maxRejectedPercent: fc.constantFrom(0, 20, 100),
  ends: fc.subarray([...ENDS], { minLength: 1 }),
  events: fc.array(fc.oneof({ weight: 12, arbitrary: fc.constant('nothing' as const) }, fc.constantFrom(...EVENTS)), {
    minLength: 1,
    maxLength: 40,
  }),
  calmAfter: fc.oneof(fc.nat(50), fc.nat(600)),
  seed: fc.nat(),
});

/** So many failures that some are moved to a file. */
const MANY_FAILURES: Plan = {
  ...{ chunks: 300, leftOut: 0, lastSize: 10, maxRejectedPercent: 100 },
  ...{ ends: ['rejected'], events: ['nothing'], calmAfter: 5_000, seed: 1 },
};

/** A job whose store, people and server are the test's. */
class Simulation {
  readonly #plan: Plan;
  readonly #inFlight: Sent[] = [];
  /** What the store last said of each customer that the job has an outcome for. */
  readonly #fates = new Map<number, Failure['outcome'] | 'updated'>();
  /** Rows of failures that were moved to files. */
  readonly #saved: Failure[] = [];
  /** Customers that were sent again, and those of them whose outcome is known. */
  readonly #sentAgain = new Set<number>();
  readonly #amended = new Set<number>();
  readonly #random;
  job: Job;
  #now = 0;
  #steps = 0;
  #isDone = false;
  /** The store was opened, and not given up since by a pause or a long hold. */
  #isOpen = false;
  /** How often a person has resumed the job, and how often it has asked the store again because of that. */
  #resumed = 0;
  #askedOnResume = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#random = seeded(plan.seed);
    this.job = this.#newJob();
    const { chunks, leftOut, lastSize } = plan;
    const chunksToSend = Math.max(Math.min(chunks, 1), chunks - leftOut);
    const valid = chunks === 0 ? 0 : (chunks - 1) * 10 + lastSize;
    const rows = { total: valid + 3, invalid: 3, valid, chunks, chunksToSend, failures: [], olderIn: null };
    const gaps = encodeRuns(Array<number>(2 * chunks).fill(0));
    const lastSentSize = chunksToSend === chunks ? lastSize : 10;
    this.job.prepared(Ledger.of({ ...rows, lastSentSize, lastSize, gaps }), ChunkQueue.of(chunksToSend));
  }

  get #isCalm(): boolean {
    return this.#steps > this.#plan.calmAfter;
  }

  /** Plays the job to its end, as send-chunks.ts does. */
  async play(): Promise<void> {
    const { chunks, calmAfter } = this.#plan;
    while (!this.#isDone) {
      assert(++this.#steps < calmAfter + 20 * (chunks + 20), 'The job does not end.');
      const event = this.#happens();
      if (event === 'cancel') return this.#cancel();
      if (event === 'renew') this.#renew();
      await this.#do(this.job.next(this.#now, this.#inFlight.length));
      this.#expectCountsToAddUp();
    }
    this.#expectWhole();
    assert.equal(this.job.ledger.done, this.job.ledger.plan.chunksToSend);
  }

  #newJob(): Job {
    const { maxRejectedPercent } = this.#plan;
    const input = { storeHash: 'abc', source: { uri: 'file:///a.csv' }, options: { maxRejectedPercent } };
    return new Job({ storeHash: 'abc', key: 'run' }, input);
  }

  #happens(): (typeof EVENTS)[number] {
    const { events } = this.#plan;
    const event = this.#isCalm ? 'nothing' : this.#random.pick(events);
    if (event === 'pause') this.job.pause('');
    if (event === 'resume') this.#resume();
    return event;
  }

  #resume(): void {
    if (this.job.hold?.kind === 'rejections') this.#isOpen = false;
    this.#resumed++;
    this.job.resume();
  }

  async #do(step: Step): Promise<void> {
    this.#now += 100;
    if (this.job.paused !== null) this.#isOpen = false;
    switch (step.do) {
      case 'save':
        return this.job.ledger.saveOldest(FAILURES_IN_STATE, async (failures) => {
          this.#saved.push(...failures);
          return 'file:///older';
        });
      case 'open':
        this.#isOpen = true;
        // Meanwhile people and the store go on.
        this.#happens();
        if (this.#random.chance(0.5)) this.#endOne();
        return;
      case 'send':
        return this.#send(step.sent);
      case 'wait':
        return this.#wait(step.ms);
      case 'end':
        assert.equal(this.#inFlight.length, 0);
        this.#isDone = true;
    }
  }

  #send(sent: Sent): void {
    const { job } = this;
    const { chunk, only } = sent.item;
    assert.equal(job.state, sent.probe ? 'held' : 'running');
    assert(this.#isOpen);
    assert(job.ledger.surplus < FAILURES_IN_STATE);
    assert(this.#inFlight.length < (sent.probe || job.ledger.done === 0 ? 1 : LOOK_AHEAD));
    assert(this.#inFlight.every(({ item }) => item.chunk !== chunk));
    assert(chunk < job.ledger.plan.chunksToSend);
    this.#inFlight.push(sent);
    if (sent.probe) assert.notEqual(job.hold?.kind, 'rejections');
    if (sent.probe === 'resume') assert(++this.#askedOnResume <= this.#resumed);
    for (const id of this.#idsOf(sent)) {
      // Nobody whose outcome is known is sent again, except for the rejected whose e-mail address was taken.
      assert.equal(this.#fates.get(id), only ? 'rejected' : undefined);
      assert(!this.#amended.has(id));
      if (only) this.#sentAgain.add(id);
    }
  }

  #wait(ms: number | undefined): void {
    if (this.#inFlight.length > 0) return this.#endOne();
    if (ms !== undefined) {
      assert(ms > 0 && ms <= 300_000);
      this.#now += ms;
      return;
    }
    // Only a person can help now.
    if (this.job.paused === null) assert.equal(this.job.hold?.kind, 'rejections');
    this.#resume();
  }

  #takeOne(): Sent | undefined {
    return this.#inFlight.splice(this.#random.whole(0, Math.max(0, this.#inFlight.length - 1)), 1)[0];
  }

  /** One of the activities in flight ends. */
  #endOne(): void {
    const sent = this.#takeOne();
    if (sent) this.#ended(sent, this.#isCalm ? 'updated' : this.#random.pick(this.#plan.ends));
  }

  #ended(sent: Sent, how: (typeof ENDS)[number]): void {
    const end = this.#endOf(this.#idsOf(sent), how);
    const before = this.job.hold?.kind;
    this.job.ended(sent, end, this.#now);
    const { again, putBack } = this.job.queue.carry();
    const isWaiting = again.includes(sent.item) || putBack.includes(sent.item);
    if (before === 'refused' && !sent.probe) assert.equal(this.job.hold?.kind, 'refused');
    if (how === 'lost' || end.how === 'refused' || end.how === 'stopped') assert(isWaiting);
    else if (end.how === 'settled') assert(!isWaiting);
    if (end.how === 'settled' && how !== 'lost' && sent.probe) assert.notEqual(this.job.hold?.kind, before);
    if (isWaiting) return;
    const failures = new Map(end.outcome?.failures.map(({ id, outcome }) => [id, outcome]));
    for (const id of this.#idsOf(sent)) {
      this.#fates.set(id, failures.get(id) ?? 'updated');
      if (sent.item.only) this.#amended.add(id);
    }
  }

  #endOf(ids: number[], how: (typeof ENDS)[number]): ChunkEnd {
    const some = ids.slice(0, this.#random.chance(0.5) ? ids.length : this.#random.whole(1, ids.length));
    const failing = (who: number[], outcome: Failure['outcome'], code: Failure['code']): ChunkOutcome => {
      const failures = who.map((id) => ({ row: id, line: null, id, outcome, code, message: '' }));
      const called = { calls: 1, throttled: 0, attempts: 1, unanswered: 1, concurrency: 3 };
      return { updated: ids.length - who.length, failures, ...called };
    };
    const unanswered = { ...failing(ids, 'failed', 'unavailable'), attempts: 4, unanswered: 4 };
    switch (how) {
      case 'updated':
        return { how: 'settled', outcome: failing([], 'failed', 'unavailable') };
      case 'rejected':
        return { how: 'settled', outcome: failing(some, 'rejected', 'unknown_id') };
      case 'taken':
        return { how: 'settled', outcome: failing(some, 'rejected', 'email_taken') };
      case 'failed':
        return { how: 'settled', outcome: failing(some, 'failed', 'unavailable') };
      case 'lost':
        return { how: 'settled', outcome: { ...unanswered, updated: 0, failures: unanswered.failures.slice(1) } };
      case 'unanswered':
        return { how: 'unanswered', outcome: unanswered, message: '502' };
      case 'refused':
        return { how: 'refused', outcome: unanswered, message: '401' };
      case 'stopped':
        return { how: 'stopped', ...(some.length > 1 && { outcome: failing(some, 'failed', 'cancelled') }) };
    }
  }

  #idsOf({ item }: Sent): number[] {
    if (item.only) return item.only;
    return Array.from({ length: this.job.ledger.sizeOf(item.chunk) }, (_, index) => item.chunk * 10 + index + 1);
  }

  /** Nothing more is sent. Then the job continues as new. */
  #renew(): void {
    this.#drain();
    const { job } = this;
    const before = { state: job.state, counts: job.ledger.counts, hold: job.hold, queue: job.queue.carry() };
    const carried = pack(job.carry());
    this.job = this.#newJob();
    this.job.restore(unpack(carried));
    const { ledger, queue, hold, state } = this.job;
    const after = { state, counts: ledger.counts, hold, queue: queue.carry() };
    // When a chunk may be tried again counts anew.
    const { unanswered } = after.queue;
    assert.deepEqual(after, { ...before, queue: { ...before.queue, unanswered } });
  }

  #cancel(): void {
    this.job.cancelling = true;
    this.#drain();
    const { job } = this;
    const attempted = job.queue.attempted();
    const { outcomes: pending } = job.ledger.outcomes();
    const { next, again, putBack } = job.queue.carry();
    const waiting = [...again, ...putBack].map(({ chunk }) => chunk);
    assert(attempted.every((chunk) => waiting.includes(chunk)));
    const sentInVain = pending.filter(({ chunk, state }) => state === 'pending' && chunk < next);
    assert(sentInVain.every(({ chunk }) => attempted.includes(chunk)));
    this.#expectWhole();
  }

  #drain(): void {
    for (let sent = this.#takeOne(); sent; sent = this.#takeOne()) this.#ended(sent, this.#random.pick(ENDS));
  }

  #expectCountsToAddUp(): void {
    const { total, ...counts } = progressOf(this.job, this.#now).customers;
    assert.equal(
      Object.values(counts).reduce((sum, count) => sum + count),
      total,
    );
    assert(Math.min(...Object.values(counts)) >= 0);
  }

  /** Each row has exactly one outcome, the one that the store said. */
  #expectWhole(): void {
    const { job } = this;
    job.ledger.end();
    this.#expectCountsToAddUp();
    const { plan, failures } = job.ledger.carry();
    const failed = new Map([...this.#saved, ...failures].map(({ row, outcome }) => [row, outcome]));
    assert.equal(failed.size, this.#saved.length + failures.length);
    const { outcomes } = job.ledger.outcomes();
    const isDone = (row: number) => outcomes[Math.floor((row - 1) / 10)]?.state === 'done';
    for (let row = 1; row <= plan.valid; row++) {
      assert.equal(this.#fates.get(row), isDone(row) ? (failed.get(row) ?? 'updated') : undefined);
    }
    const { updated, rejected, failed: notApplied } = job.ledger.counts;
    const fates = [...this.#fates.values()];
    const count = (fate: string) => fates.filter((each) => each === fate).length;
    assert.deepEqual([updated, rejected, notApplied], [count('updated'), count('rejected'), count('failed')]);
    if (!this.#isDone) return;
    // By the end of a job the e-mail address of another customer may be free, so these are sent again, up to a bound.
    if (this.#sentAgain.size >= FAILURES_IN_STATE) return;
    const taken = failures.filter(({ code }) => code === 'email_taken');
    assert(taken.every(({ id }) => id !== null && this.#sentAgain.has(id)));
  }
}

test(
  'every job ends once its store behaves, never sends more than it may, and accounts for every row',
  async () => {
    await fc.assert(
      fc.asyncProperty(plans, (plan) => new Simulation(plan).play()),
      { numRuns: 4 * RUNS, examples: [[MANY_FAILURES]] },
    );
  },
  FUZZ_MS,
);
