import { starterConfig } from '../config.ts';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes.ts';
import { indexedValueType } from '../temporal/internals.ts';
import { BadUse } from './errors.ts';
import type { AddCommand } from './command.ts';
import { EXIT } from './exit.ts';
import { type Session, withSession } from './session.ts';
import { print } from './terminal.ts';

/** `setup`: registers the jobs' search attributes in the namespace. */
export const addSetup: AddCommand = (program, act) => {
  program
    .command('setup')
    .description("register the jobs' search attributes in the namespace, for the Web UI; jobs run without them too")
    .action(() =>
      act((interrupt) => {
        interrupt.farewell = '';
        return withSession(starterConfig(), register);
      }),
    );
};

async function register({ client: { connection }, namespace, call }: Session): Promise<number> {
  const { operatorService } = connection;
  try {
    const { customAttributes } = await call(() => operatorService.listSearchAttributes({ namespace }));
    const missing = Object.entries(SEARCH_ATTRIBUTES).filter(([name]) => !(name in customAttributes));
    const searchAttributes = Object.fromEntries(missing.map(([name, type]) => [name, indexedValueType(type)]));
    if (missing.length > 0) await call(() => operatorService.addSearchAttributes({ namespace, searchAttributes }));
    for (const name of Object.keys(SEARCH_ATTRIBUTES)) {
      print(`${name}  ${name in searchAttributes ? 'registered' : 'was there'}`);
    }
    print('Jobs that start from now on set them.');
    return EXIT.allUpdated;
  } catch (error) {
    const { details } = error as { details?: string };
    if (details === undefined) throw error;
    const names = Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => `${name} (${type.toLowerCase()})`);
    throw new BadUse(
      `The Temporal server does not let search attributes of the namespace ${namespace} be registered: ${details}. ` +
        `Register them where its namespaces are managed: ${names.join(', ')}.`,
    );
  }
}
