import teardownServer from '../support/run-teardown.ts';
import { run } from './setup.ts';

export default async function teardown(): Promise<void> {
  await teardownServer();
  await run.postgres?.close();
}
