import { type Failure, FAILURES_IN_STATE } from '../../src/contract/job.ts';
import { encodeRuns } from '../../src/contract/outcomes.ts';
import { pack, unpack } from '../../src/workflows/arguments.ts';
import { Job } from '../../src/workflows/job.ts';
import { Ledger } from '../../src/workflows/ledger.ts';
import { seeded, type Random } from '../chaos/random.ts';
import { cpuTimer } from '../support/cpu.ts';

const CHUNKS = 100_000;
const WORDS =
  'the customer store value of field email address must be number length exceeds in use by another not'.split(' ');

/** As long as a message may be, and each a different one. */
function longMessage(random: Random): string {
  let text = '';
  while (text.length < 200) text += `${random.pick(WORDS)} ${random.chance(0.3) ? random.whole(1, 1e6) : ''} `;
  return text.slice(0, 200);
}

const shortMessage = (random: Random) => `${random.whole(1, 1e7)}: the email address is in use by another customer`;

/** A million customers in a source with every fifth row invalid; every chunk ends differently. */
async function worstJob(code: Failure['code'], message: (random: Random) => string) {
  const random = seeded(1);
  const invalidBefore = (rows: number): number => {
    let invalid = 0;
    for (let row = 0; row < rows; row++) while (random.chance(0.2)) invalid++;
    return invalid;
  };
  const gaps = Array.from({ length: 2 * CHUNKS }, (_, index) => invalidBefore(index % 2 ? 9 : 1));
  const valid = 10 * CHUNKS;
  const invalid = gaps.reduce((sum, gap) => sum + gap, 0);
  const ledger = Ledger.of({
    ...{ total: valid + invalid, invalid, valid, chunks: CHUNKS, chunksToSend: CHUNKS, lastSentSize: 10, lastSize: 10 },
    ...{ gaps: encodeRuns(gaps), failures: [], olderIn: null },
  });
  const job = new Job({ storeHash: 'abc', key: 'run' }, { storeHash: 'abc', source: { uri: 'file:///a.csv' } });
  job.prepared(ledger);
  job.begin();
  for (let chunk = 0; chunk < CHUNKS; chunk++) {
    const { first } = ledger.rowsOf(chunk);
    const rejected = Array.from({ length: random.whole(0, 10) }, (_, index) => first + index);
    const failures = rejected.map((row) => {
      const latest = chunk > CHUNKS - 1_000 ? message(random) : '';
      return { row, line: null, id: random.whole(1, 1e7), outcome: 'rejected' as const, code, message: latest };
    });
    ledger.record(chunk, { failures }, random.whole(1, 15));
    const { failures: latest } = ledger;
    if (latest.surplus >= FAILURES_IN_STATE) await latest.saveOldest(FAILURES_IN_STATE, async () => 'file:///older');
  }
  await ledger.failures.saveOldest(FAILURES_IN_STATE, async () => 'file:///older');
  return { job, ledger };
}

test.each<[string, Failure['code'], (random: Random) => string, number]>([
  ['long messages', 'rejected', longMessage, FAILURES_IN_STATE],
  // Those to be sent again stay in state, besides the latest ones.
  ['taken addresses', 'email_taken', shortMessage, 2 * FAILURES_IN_STATE],
])(
  'the state of a million customers stays below 256 KiB, and comes back as it was: %s',
  async (_, code, message, kept) => {
    const { job } = await worstJob(code, message);
    const carried = job.carry();
    expect(carried.ledger.failures).toHaveLength(kept);
    const cpuMs = cpuTimer();
    const packed = pack(carried);
    const unpacked = unpack(packed);
    // An activation may take 5 s.
    expect(cpuMs()).toBeLessThan(5_000);
    expect(packed.length).toBeLessThan(256 * 1024);
    expect(unpacked).toEqual(carried);
  },
);
