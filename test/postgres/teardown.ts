import { run } from './setup.ts';

export default async function teardown(): Promise<void> {
  await run.server?.stop();
  await run.postgres?.close();
}
