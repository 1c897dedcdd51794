/**
 * Writes the JSON Schemas of the contract into a folder: `npm run schemas` does into `schemas`. Their shapes are those of
 * src/contract/schema.ts and answer-schemas.ts, which is what checks; their words are the documentation of src/contract/job.ts, so that each has one home.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { z } from 'zod';
import { jobInputSchema, jobResultSchema } from '../src/contract/schema.ts';
import { failuresSchema, outcomesSchema, progressSchema } from './answer-schemas.ts';

/** Each schema's file, the type of contract.ts that it is of, and the zod that makes it. */
const SCHEMAS = [
  ['input', 'JobInput', jobInputSchema],
  ['progress', 'Progress', progressSchema],
  ['outcomes', 'Outcomes', outcomesSchema],
  ['failures', 'Failures', failuresSchema],
  ['result', 'JobResult', jobResultSchema],
] as const;

type Schema = z.core.JSONSchema.JSONSchema;

/** What contract.ts says of a type. */
interface Documented {
  text: string;
  parent: string | undefined;
  properties: Map<string, { text: string; type: string }>;
}

/** The documentation of contract.ts by type. As prettier leaves it, a property begins a line, and so does its type's end. */
function documentation(source: string): Map<string, Documented> {
  const types = new Map<string, Documented>();
  let current: Documented | undefined;
  let text = '';
  for (const [, doc, name, parent, property, type] of source.matchAll(
    /\/\*\*([^]*?)\*\/|^export (?:interface|type) (\w+)(?: extends (\w+))?|^ +(\w+)\??: (.*);$/gm,
  )) {
    if (doc !== undefined) {
      text = doc.replaceAll(/\s*\n\s*\*\s*/g, ' ').trim();
      continue;
    }
    if (name !== undefined) types.set(name, (current = { text, parent, properties: new Map() }));
    else if (property !== undefined && type !== undefined) current?.properties.set(property, { text, type });
    text = '';
  }
  return types;
}

const types = documentation(readFileSync(fileURLToPath(new URL('../src/contract/job.ts', import.meta.url)), 'utf8'));

/** Gives all properties of a schema their words. */
function describe(schema: Schema, typeName: string): void {
  const documented = types.get(typeName);
  const parts = [...(schema.anyOf ?? []), ...(schema.items ? [schema.items] : [])] as Schema[];
  for (const part of parts) describe(part, typeName);
  for (const [name, property] of Object.entries(schema.properties ?? {}) as [string, Schema][]) {
    const { text, type } = documented?.properties.get(name) ??
      types.get(documented?.parent ?? '')?.properties.get(name) ?? { text: '', type: '' };
    if (text === '') throw new Error(`src/contract/job.ts: expected documentation of ${typeName}.${name}, got none.`);
    property.description = text;
    describe(property, /\w+/.exec(type)?.[0] ?? '');
  }
}

/** A time's `format` says all that its pattern does. */
function override({ jsonSchema }: { jsonSchema: Schema }): void {
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
}

const [folder] = process.argv.slice(2);
for (const [name, type, zod] of SCHEMAS) {
  // As a reader takes it: answers may have grown by fields.
  const { $schema, ...schema } = z.toJSONSchema(zod, { io: 'input', override });
  describe(schema, type);
  const description = types.get(type)?.text;
  const $id = `urn:bigcommerce-customer-updates:${name}`;
  const text = JSON.stringify({ $schema, $id, title: type, description, ...schema });
  writeFileSync(`${folder}/${name}.schema.json`, await format(text, { parser: 'json', printWidth: 120 }));
}
