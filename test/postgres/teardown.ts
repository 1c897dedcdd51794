import { run } from './setup.ts';

export default async function teardown(): Promise<void> {
  await run.postgres?.close();
}
