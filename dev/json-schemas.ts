/** Writes the JSON Schemas of the contract into a folder; `npm run schemas` writes them into `schemas`. */
import { writeFileSync } from 'node:fs';
import { format } from 'prettier';
import { z } from 'zod';
import { jobResultSchema } from '../src/contract/result-schema.ts';
import { jobInputSchema } from '../src/contract/schema.ts';
import { failuresSchema, outcomesSchema, progressSchema } from './answer-schemas.ts';

const SCHEMAS = {
  input: jobInputSchema,
  progress: progressSchema,
  outcomes: outcomesSchema,
  failures: failuresSchema,
  result: jobResultSchema,
};

/** Drops a time's pattern, because its `format` says the same. */
function override({ jsonSchema }: { jsonSchema: z.core.JSONSchema.JSONSchema }): void {
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
}

const [folder] = process.argv.slice(2);
for (const [name, zod] of Object.entries(SCHEMAS)) {
  // As a reader takes it: answers may have more fields.
  const { $schema, title, description, ...schema } = z.toJSONSchema(zod, { io: 'input', override });
  const $id = `urn:bigcommerce-customer-updates:${name}`;
  const text = JSON.stringify({ $schema, $id, title, description, ...schema });
  writeFileSync(`${folder}/${name}.schema.json`, await format(text, { parser: 'json', printWidth: 120 }));
}
