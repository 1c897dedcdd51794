import { customers, writeSource } from '../test/support/customers.ts';
import { startSystem } from '../test/support/system.ts';
const system = await startSystem({ emulator: ['--customers', '6000', '--latency', '100'] });
const uri = await writeSource(system, 'all.ndjson', customers(1000));
for (const name of ['a', 'b']) {
  const t0 = Date.now();
  const h = await system.start(name, { storeHash: 'abc', source: { uri } });
  await h.result();
  const t1 = Date.now();
  const { events } = await h.fetchHistory();
  const at = (e: any) => Number(e.eventTime.seconds) * 1000 + Number(e.eventTime.nanos) / 1e6 - t0;
  const types = new Map<string, string>();
  for (const e of events!.slice(0, 40).concat(events!.slice(-14))) {
    const s = e.activityTaskScheduledEventAttributes;
    if (s) types.set(String(e.eventId), s.activityType!.name!);
    const id = String((e.activityTaskStartedEventAttributes ?? e.activityTaskCompletedEventAttributes)?.scheduledEventId ?? e.eventId);
    const kind = Object.keys(e).find(k => k.endsWith('Attributes') && (e as any)[k]);
    console.log(at(e).toFixed(0).padStart(6), kind!.replace('EventAttributes', ''), types.get(id) ?? '');
  }
  console.log('total', t1 - t0, 'updateChunk started→completed:');
  const started = new Map<string, number>(), d: number[] = [];
  for (const e of events!) {
    const st = e.activityTaskStartedEventAttributes, c = e.activityTaskCompletedEventAttributes;
    if (st) started.set(String(e.eventId), at(e));
    if (c) d.push(at(e) - started.get(String(c.startedEventId))!);
  }
  console.log(d.map(x => x.toFixed(0)).join(' '));
}
await system.close();
