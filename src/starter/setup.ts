import { ServerFailed } from '../client.ts';
import { askServer } from '../client/server.ts';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes.ts';
import { indexedValueType } from '../temporal/internals.ts';
import { command } from './command.ts';
import { BadUse } from './exit.ts';
import { type Session, withSession } from './session.ts';
import { print } from './terminal.ts';

export const setupCommand = command(
  'setup',
  "register the jobs' search attributes in the namespace, for the Web UI; jobs also run without them",
  [],
  ({ config }) => withSession(config, register),
);

async function register({ client, namespace }: Session): Promise<void> {
  const { operatorService } = client.connection;
  try {
    const { customAttributes } = await askServer(client, () => operatorService.listSearchAttributes({ namespace }));
    const missing = Object.entries(SEARCH_ATTRIBUTES).filter(([name]) => !(name in customAttributes));
    const searchAttributes = Object.fromEntries(missing.map(([name, type]) => [name, indexedValueType(type)]));
    const add = () => operatorService.addSearchAttributes({ namespace, searchAttributes });
    if (missing.length > 0) await askServer(client, add);
    for (const name of Object.keys(SEARCH_ATTRIBUTES)) {
      print(`${name}  ${name in searchAttributes ? 'registered' : 'already registered'}`);
    }
    print('Jobs that start from now on will set them.');
  } catch (error) {
    if (!(error instanceof ServerFailed)) throw error;
    const names = Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => `${name} (${type.toLowerCase()})`);
    throw new BadUse(
      `The search attributes could not be registered in the namespace ${namespace}: ${error.message} If you may not ` +
        `register them yourself, have the owner of the namespace do it: ${names.join(', ')}.`,
    );
  }
}
