/** A job's decisions, without a server: whatever the store answers and people do, it ends and accounts for all rows. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type ChunkOutcome, CHUNKS_PER_PAGE, type PageOutcome } from '../../src/contract/activities.ts';
import { type Failure, FAILURES_IN_STATE } from '../../src/contract/job.ts';
import { packFallen } from '../../src/contract/look-ups.ts';
import { encodeRuns } from '../../src/contract/outcomes.ts';
import { pack, unpack } from '../../src/workflows/arguments.ts';
import type { ChunkItem, PageItem } from '../../src/workflows/item-queue.ts';
import { Job } from '../../src/workflows/job.ts';
import { Ledger } from '../../src/workflows/ledger.ts';
import { progressOf } from '../../src/workflows/progress.ts';
import type { End, InFlight, Sent, Step } from '../../src/workflows/steps.ts';
import { LOOK_AHEAD, LOOK_UPS } from '../../src/workflows/work.ts';
import { seeded } from '../chaos/random.ts';
import { FUZZ_MS, RUNS } from '../support/fuzz.ts';

/**
 * How an activity may end: `lost` leaves customers out, as a page that can't be read does; for a look-up, those of the
 * first line mean what it finds.
 */
const ENDS = [
  ...(['updated', 'rejected', 'taken', 'failed', 'stale'] as const),
  ...(['lost', 'unanswered', 'refused', 'stopped'] as const),
] as const;

/** What may happen between two steps of a job: at night nothing happens for ten minutes. */
const EVENTS = ['nothing', 'pause', 'resume', 'cancel', 'renew', 'night'] as const;

interface Plan {
  chunks: number;
  /** Chunks at the end that are left out, as `limit` does. */
  leftOut: number;
  lastSize: number;
  maxRejectedPercent: number;
  looksUp: boolean;
  /** How its activities end while the store does not behave. */
  ends: (typeof ENDS)[number][];
  events: (typeof EVENTS)[number][];
  /** Steps after which the store behaves, and people only resume the job. */
  calmAfter: number;
  /** Of all other choices. */
  seed: number;
}

const plans: fc.Arbitrary<Plan> = fc.record({
  chunks: fc.oneof(fc.nat(12), fc.nat(100), fc.nat(900)),
  looksUp: fc.boolean(),
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
  ...{ chunks: 300, leftOut: 0, lastSize: 10, maxRejectedPercent: 100, looksUp: false },
  ...{ ends: ['rejected'], events: ['nothing'], calmAfter: 5_000, seed: 1 },
};

/** What a look-up finds of a row. */
const FOUND = ['left', 'left', 'left', 'unchanged', 'unchanged', 'rejected', 'invalid'] as const;

const STALE: End = {
  how: 'settled',
  outcome: {
    ...{ stale: true, updated: 0, failures: [], calls: 0, reads: 0, throttled: 0, attempts: 1 },
    ...{ unanswered: 0, concurrency: 3 },
  },
};

/** A job whose store, people and server are the test's. */
class Simulation {
  readonly #plan: Plan;
  readonly #inFlight: Sent[] = [];
  /** What the store last said of each customer that the job has an outcome for. */
  readonly #fates = new Map<number, Failure['outcome'] | 'updated'>();
  /** Rows of failures that were moved to files. */
  readonly #saved: Failure[] = [];
  /** Rows by the number of the chunk in which they are. */
  readonly #chunks: number[][];
  /** Customers that were sent again. */
  readonly #sentAgain = new Set<number>();
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
    this.job.prepared(Ledger.of({ ...rows, lastSentSize, lastSize, gaps }));
    this.job.begin();
    this.#chunks = Array.from({ length: chunks }, (_, chunk) =>
      Array.from({ length: this.job.ledger.sizeOf(chunk) }, (_, index) => chunk * 10 + index + 1),
    );
  }

  get #counts(): InFlight {
    const read = this.#inFlight.filter(({ item }) => 'page' in item).length;
    return { read, write: this.#inFlight.length - read };
  }

  get #isCalm(): boolean {
    return this.#steps > this.#plan.calmAfter;
  }

  /** Plays the job to its end, as send-chunks.ts does. */
  async play(): Promise<void> {
    const { chunks, calmAfter } = this.#plan;
    while (!this.#isDone) {
      assert(++this.#steps < calmAfter + 20 * (chunks + 40), 'The job does not end.');
      const event = this.#happens();
      if (event === 'cancel') return this.#cancel();
      if (event === 'renew') this.#renew();
      await this.#do(this.job.next(this.#now, this.#counts));
      this.#expectCountsToAddUp();
    }
    this.#expectWhole();
    const { chunks: ended, plan } = this.job.ledger;
    assert.equal(ended.total - ended.done, plan.chunks - plan.chunksToSend);
  }

  #newJob(): Job {
    const { maxRejectedPercent, looksUp } = this.#plan;
    const options = { maxRejectedPercent, skipUnchanged: looksUp };
    const input = { storeHash: 'abc', source: { uri: 'file:///a.csv' }, options };
    return new Job({ storeHash: 'abc', key: 'run' }, input);
  }

  #happens(): (typeof EVENTS)[number] {
    const { events } = this.#plan;
    const event = this.#isCalm ? 'nothing' : this.#random.pick(events);
    if (event === 'pause') this.job.pause('');
    if (event === 'resume') this.#resume();
    if (event === 'night') this.#now += 600_000;
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
        return this.job.ledger.failures.saveOldest(FAILURES_IN_STATE, async (failures) => {
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
    assert.equal(job.state, sent.probe ? 'held' : 'running');
    assert(this.#isOpen);
    assert(job.ledger.failures.surplus < FAILURES_IN_STATE);
    const { read, write } = this.#counts;
    if (sent.probe) {
      assert.equal(read + write, 0);
      assert.notEqual(job.hold?.kind, 'rejections');
    }
    if (sent.probe === 'resume') this.#askedOnResume++;
    assert(this.#askedOnResume <= 2 * this.#resumed);
    if ('page' in sent.item) {
      assert(read < (job.work.lookedUp === 0 ? 1 : LOOK_UPS));
      assert(this.#rowsOf(sent).every((row) => !this.#fates.has(row)));
      if (sent.item.asked) assert(this.#plan.looksUp);
    } else this.#sendChunk(sent.item as ChunkItem, write);
    const numbers = this.#placesInFlight();
    this.#inFlight.push(sent);
    assert(this.#placesOf(sent).every((chunk) => !numbers.has(chunk)));
  }

  #sendChunk({ chunk, only }: ChunkItem, write: number): void {
    const { ledger } = this.job;
    assert(write < (ledger.done === 0 ? 1 : LOOK_AHEAD));
    assert(chunk < ledger.plan.chunksToSend);
    assert.equal(ledger.sizeOf(chunk), this.#chunks[chunk]?.length);
    assert.equal(ledger.askedFor(chunk).length > 0, this.#plan.looksUp);
    for (const id of only ?? this.#chunks[chunk] ?? []) {
      // Nobody whose outcome is known is sent again, except for the rejected whose e-mail address was taken.
      assert.equal(this.#fates.get(id), only ? 'rejected' : undefined);
      if (only) this.#sentAgain.add(id);
    }
  }

  #placesInFlight(): Set<number> {
    return new Set(this.#inFlight.flatMap((sent) => this.#placesOf(sent)));
  }

  /** Numbers of the chunks that an item is about. */
  #placesOf({ item }: Sent): number[] {
    if ('chunk' in item) return [item.chunk];
    const { page, asked = this.job.ledger.placesOf(page) } = item as PageItem;
    return Array.from({ length: asked[1] - asked[0] }, (_, index) => CHUNKS_PER_PAGE * page + asked[0] + index);
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
    if ('page' in sent.item) return this.#endedLookUp(sent as Sent & { item: PageItem }, how);
    const item = sent.item as ChunkItem;
    // What was looked up is too old, so that nothing was sent.
    const mayBeStale = this.#plan.looksUp && !item.only && !this.job.work.toSend.isMaybeSent(item.chunk);
    const isStale = how === 'stale' && mayBeStale && this.#random.chance(0.3);
    const ids = this.#rowsOf(sent);
    const end = isStale ? STALE : this.#endOf(ids, how === 'stale' ? 'updated' : how);
    const before = this.#holds;
    this.job.ended(sent, end, this.#now);
    const { again, putBack } = this.job.work.toSend.carry();
    const isWaiting = again.includes(item) || putBack.includes(item);
    if (before.write?.kind === 'refused' && !sent.probe) assert.equal(this.#holds.write?.kind, 'refused');
    if (how === 'lost' || end.how === 'refused' || end.how === 'stopped') assert(isWaiting);
    else if (end.how === 'settled') assert(!isWaiting);
    if (end.how === 'settled' && how !== 'lost') {
      assert.deepEqual(this.#holds.read, before.read);
      if (isStale) assert.deepEqual(this.#holds.write, before.write);
      else if (sent.probe && before.write) assert.notEqual(this.#holds.write?.kind, before.write.kind);
    }
    if (isWaiting || isStale) return;
    const failures = new Map(
      end.outcome && 'failures' in end.outcome ? end.outcome.failures.map(({ id, outcome }) => [id, outcome]) : [],
    );
    for (const id of ids) {
      this.#fates.set(id, failures.get(id) ?? 'updated');
    }
  }

  get #holds() {
    return this.job.carry().holds;
  }

  /** Some of the rows have all values already, some fall out, and the rest is packed into chunks. */
  #endedLookUp(sent: Sent & { item: PageItem }, how: (typeof ENDS)[number]): void {
    const spent = { calls: 0, reads: 4, throttled: 0, attempts: 1, unanswered: 0, concurrency: 3 };
    const before = this.#holds;
    if (how === 'unanswered' || how === 'refused') {
      this.job.ended(sent, { how, message: how, outcome: { ...spent, unanswered: 4 } }, this.#now);
      return assert(this.#waitsToBeRead(sent.item));
    }
    if (how === 'stopped') {
      this.job.ended(sent, { how }, this.#now);
      return assert(this.#waitsToBeRead(sent.item));
    }
    const all = this.#placesOf(sent);
    // A look-up may stop halfway: the rest is looked up later.
    const places = all.slice(0, this.#random.chance(0.3) ? this.#random.whole(1, all.length) : all.length);
    const rows = places.flatMap((chunk) => this.#chunks[chunk] ?? []);
    const kinds = rows.map(() => (how === 'updated' ? 'left' : this.#random.pick(FOUND)));
    const of = (kind: (typeof FOUND)[number]) => rows.filter((_, index) => kinds[index] === kind);
    const left = of('left');
    const fallen = (['rejected', 'invalid'] as const).map((outcome) => ({
      ...{ outcome, code: 'rejected' as const, message: '' },
      ...packFallen(of(outcome).map((row) => ({ row, line: null, id: null }))),
    }));
    const chunks = Math.ceil(left.length / 10);
    const lastSize = left.length - Math.max(0, chunks - 1) * 10;
    const unchanged = of('unchanged').length + Number(how === 'lost');
    const upTo = places.length < all.length && { upTo: ((places.at(-1) ?? 0) % CHUNKS_PER_PAGE) + 1 };
    const outcome: PageOutcome = { ...spent, chunks, lastSize, unchanged, fallen, ...upTo };
    this.job.ended(sent, { how: 'settled', outcome }, this.#now);
    if (how === 'lost') return assert(this.#waitsToBeRead(sent.item));
    // It says nothing of what was sent.
    if (before.write) assert.deepEqual(this.#holds.write, before.write);
    if (sent.probe) assert.equal(this.#holds.read, null);
    places.forEach((chunk, index) => (this.#chunks[chunk] = left.slice(10 * index, 10 * index + 10)));
    for (const row of of('unchanged')) this.#fates.set(row, 'updated');
    for (const row of of('rejected')) this.#fates.set(row, 'rejected');
    for (const row of of('invalid')) this.#fates.set(row, 'invalid');
  }

  #waitsToBeRead(item: PageItem): boolean {
    const { again, putBack } = this.job.work.toRead.carry();
    return again.includes(item) || putBack.includes(item);
  }

  #endOf(ids: number[], how: Exclude<(typeof ENDS)[number], 'stale'>): End {
    const some = ids.slice(0, this.#random.chance(0.5) ? ids.length : this.#random.whole(1, ids.length));
    const failing = (who: number[], outcome: Failure['outcome'], code: Failure['code']): ChunkOutcome => {
      const failures = who.map((id) => ({ row: id, line: null, id, outcome, code, message: '' }));
      const called = { calls: 1, reads: 0, throttled: 0, attempts: 1, unanswered: 1, concurrency: 3 };
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

  #rowsOf(sent: Sent): number[] {
    if ('only' in sent.item && sent.item.only) return sent.item.only;
    return this.#placesOf(sent).flatMap((chunk) => this.#chunks[chunk] ?? []);
  }

  /** Nothing more is sent. Then the job continues as new. */
  #renew(): void {
    this.#drain();
    const { job } = this;
    const carried = job.carry();
    this.job = this.#newJob();
    this.job.restore(unpack(pack(carried)));
    assert.deepEqual(this.job.state, job.state);
    assert.deepEqual(this.job.ledger.counts, job.ledger.counts);
    assert.deepEqual(this.job.ledger.chunks, job.ledger.chunks);
    // When an item may be tried again counts anew.
    const comparable = ({ work, ...rest }: typeof carried) => ({
      ...rest,
      work: { ...work, toSend: { ...work.toSend, unanswered: [] }, toRead: { ...work.toRead, unanswered: [] } },
    });
    assert.deepEqual(comparable(this.job.carry()), JSON.parse(JSON.stringify(comparable(carried))));
  }

  #cancel(): void {
    this.job.cancelling = true;
    this.#drain();
    const { toSend } = this.job.work;
    const { again, putBack } = toSend.carry();
    const waiting = [...again, ...putBack].map(({ chunk }) => chunk);
    assert(toSend.allMaybeSent().every((chunk) => waiting.includes(chunk)));
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
    for (let row = 1; row <= plan.valid; row++) {
      const fate = this.#fates.get(row);
      assert.equal(failed.get(row), fate === 'updated' ? undefined : fate);
    }
    const { updated, rejected, failed: notApplied, invalid } = job.ledger.counts;
    const fates = [...this.#fates.values()];
    const count = (fate: string) => fates.filter((each) => each === fate).length;
    assert.deepEqual(
      [updated, rejected, notApplied, invalid - 3],
      [count('updated'), count('rejected'), count('failed'), count('invalid')],
    );
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
