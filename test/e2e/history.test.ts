import { defaultPayloadConverter } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import { customers, writeSource } from '../support/customers.ts';
import { useSystem, TOKENS } from '../support/system.ts';

const system = useSystem({ emulator: ['--customers', '1000', '--latency', '5'] });

/** All text in a history: every payload decoded, and every string beside them. */
function textOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (value instanceof Uint8Array) return [Buffer.from(value).toString('utf8')];
  if (typeof value !== 'object' || value === null) return [];
  const { metadata, data } = value as temporal.api.common.v1.IPayload;
  if (metadata && data) return [JSON.stringify(defaultPayloadConverter.fromPayload(value))];
  return Object.values(value).flatMap(textOf);
}

test("a job's history and memo hold ids, but neither a token nor any other value of a customer", async () => {
  const rows = customers(120).map(({ id }) => ({
    id,
    email: `private-${id}@secret.example`,
    first_name: `Firstname${id}`,
    notes: `confidential ${id}`,
    authentication: { force_password_reset: false, new_password: `Passw0rd-${id}` },
  }));
  // One that the store rejects with its e-mail address in the message, an unknown one, and invalid ones.
  rows[4] = { ...rows[4], email: 'private-9@secret.example' } as (typeof rows)[0];
  rows[20] = { ...rows[20], id: 7_000_000 } as (typeof rows)[0];
  rows[30] = { ...rows[30], first_name: '' } as (typeof rows)[0];
  rows[31] = { ...rows[31], shoe: 'size-of-secret' } as never;
  rows[32] = { ...rows[32], email: 'not-an-address-but-secret' } as (typeof rows)[0];
  await system.control('faults', { fault: 'throttle', count: 1, after: 3 });
  const uri = await writeSource(system, 'private.ndjson', rows);
  const handle = await system.start('private', { storeHash: 'abc', source: { uri } });
  expect((await handle.result()).customers).toMatchObject({ total: 120, rejected: 2, invalid: 3 });

  const { raw } = await handle.describe();
  const text = [await handle.fetchHistory(), raw.workflowExecutionInfo].flatMap(textOf).join('\n');
  expect(text).toContain('7000000');
  for (const secret of ['secret', 'Firstname', 'confidential', 'Passw0rd', ...Object.values(TOKENS)]) {
    expect(text).not.toContain(secret);
  }
});
