/** Writes the JSON Schemas of the contract into a folder; `npm run schemas` writes them into `schemas`. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { createGenerator } from 'ts-json-schema-generator';
import { z } from 'zod';
import { jobInputSchema } from '../src/contract/schema.ts';

interface Schema {
  description?: string | undefined;
  properties?: Record<string, Schema> | undefined;
  anyOf?: Schema[] | undefined;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const generator = createGenerator({
  path: `${root}src/contract/job.ts`,
  tsconfig: `${root}src/workflows/tsconfig.json`,
  skipTypeCheck: true,
  expose: 'none',
  topRef: false,
  sortProps: false,
  // Answers may have more fields.
  additionalProperties: true,
});

/** Gives a schema the descriptions that another one has for the same properties. */
function describe(schema: Schema, by: Schema | undefined): void {
  if (by?.description !== undefined) schema.description = by.description;
  for (const [name, property] of Object.entries(schema.properties ?? {})) describe(property, by?.properties?.[name]);
  for (const [index, option] of schema.anyOf?.entries() ?? []) describe(option, by?.anyOf?.[index]);
}

/** As draft 2020-12 writes a tuple. */
function tuple(_: string, value: unknown): unknown {
  const { items } = (value ?? {}) as { items?: unknown };
  return Array.isArray(items) ? { ...(value as object), prefixItems: items, items: false } : value;
}

// Zod also knows an input's limits and defaults.
const input = z.toJSONSchema(jobInputSchema, { io: 'input' }) as Schema;
const TYPES = {
  input: 'JobInput',
  progress: 'Progress',
  outcomes: 'Outcomes',
  failures: 'Failures',
  result: 'JobResult',
};

const [folder] = process.argv.slice(2);
for (const [name, title] of Object.entries(TYPES)) {
  const typed = generator.createSchema(title) as Schema;
  if (name === 'input') describe(input, typed);
  const { description, ...schema } = name === 'input' ? input : typed;
  const head = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: `urn:bigcommerce-customer-updates:${name}`,
  };
  const text = JSON.stringify({ ...head, title, description, ...schema, ...head, definitions: undefined }, tuple);
  writeFileSync(`${folder}/${name}.schema.json`, await format(text, { parser: 'json', printWidth: 120 }));
}
