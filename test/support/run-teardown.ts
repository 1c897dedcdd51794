import { run } from './run-setup.ts';

export default async function teardown(): Promise<void> {
  await run.server?.stop();
}
