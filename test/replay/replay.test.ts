import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const histories = path('histories');
const workflowBundle = { codePath: path('../../dist/workflow-bundle.js') };

/** As much of a history as is read here. */
interface History {
  events: [{ workflowExecutionStartedEventAttributes: { workflowId: string } }];
}

beforeAll(() => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
});

// Jobs that run for hours live through deploys: what a release has begun must go on with the code of today.
test.each(readdirSync(histories))('%s replays', async (file) => {
  const history = JSON.parse(gunzipSync(readFileSync(`${histories}/${file}`)).toString('utf8')) as History;
  const { workflowId } = history.events[0].workflowExecutionStartedEventAttributes;
  await Worker.runReplayHistory({ workflowBundle }, history, workflowId);
});
