import { Writable } from 'node:stream';
import { createLogger, temporalLogger } from '../src/worker/log.ts';

/** What a call of `log` prints. */
function printed(log: (log: ReturnType<typeof createLogger>) => void): {
  line: string;
  fields: Record<string, unknown>;
} {
  let line = '';
  const write = (text: Buffer, _: string, done: () => void) => {
    line += text.toString();
    done();
  };
  log(createLogger('debug', new Writable({ write })));
  return { line, fields: line === '' ? {} : (JSON.parse(line) as Record<string, unknown>) };
}

test.each<[string, object]>([
  ['a token', { token: 'hidden' }],
  ['the headers of a request', { headers: { 'x-auth-token': 'hidden', authorization: 'hidden' } }],
  ['a customer', { customer: { id: 1, email: 'hidden', authentication: { new_password: 'hidden' } } }],
  ['a task token', { taskToken: 'hidden' }],
  ['an e-mail address in a text', { why: 'already in use: hidden@example.com' }],
  ['an e-mail address anywhere', { a: [{ b: { c: ['<hidden@example.com>', 'hidden%40example.com'] } }] }],
  ['an e-mail address in an error', { err: new Error('hidden@example.com\nhidden@example.com') }],
  ["an error's properties", { err: Object.assign(new Error('no'), { details: [{ to: 'hidden@example.com' }] }) }],
])('%s is not printed', (_, fields) => {
  const { line } = printed((log) => log.info({ chunk: 7, ...fields }, 'it happened'));
  expect(line).not.toContain('hidden');
  expect(line).toMatch(/"chunk":7.*"msg":"it happened"/);
});

test('nor is an e-mail address in the message', () => {
  expect(printed((log) => log.warn('sent to hidden@example.com, twice')).fields['msg']).toBe('sent to ***, twice');
});

test('an error keeps the places in packages that it came from', () => {
  const err = new Error('no');
  err.stack = 'Error: no\n    at f (/app/node_modules/@temporalio/worker/lib/worker.js:1:2)';
  expect(printed((log) => log.error({ err })).fields['err']).toMatchObject({
    type: 'Error',
    message: 'no',
    stack: err.stack,
  });
});

test('what goes round in circles is printed once', () => {
  const circle: Record<string, unknown> = { chunk: 7 };
  circle['itself'] = [circle];
  expect(printed((log) => log.info(circle, 'it')).fields).toMatchObject({ chunk: 7, msg: 'it' });
});

test("the library's lines of a job have its id as job, those of a store's workflow as workflowId", () => {
  const meta = (workflowType: string) => ({ workflowType, workflowId: 'x', taskToken: 'hidden', attempt: 2 });
  const of = (workflowType: string) => printed((log) => temporalLogger(log).info('it', meta(workflowType))).fields;
  expect(of('updateCustomers')).toMatchObject({ level: 'info', job: 'x', attempt: 2, msg: 'it' });
  expect(of('serveStore')).toMatchObject({ level: 'info', workflowId: 'x' });
  expect({ ...of('updateCustomers'), ...of('serveStore') }).not.toHaveProperty('taskToken');
});

test("an error of the library's is one of the line", () => {
  const { fields } = printed((log) => temporalLogger(log).warn('it failed', { error: new Error('why') }));
  expect(fields['err']).toMatchObject({ message: 'why' });
});

test('Workers without workflows or Nexus are as they should be, and not told of', () => {
  expect(printed((log) => temporalLogger(log).warn('No workflows registered, not polling')).line).toBe('');
});
