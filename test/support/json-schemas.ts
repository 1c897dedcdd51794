/** The committed JSON Schemas, as an independent validator reads them. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';

const isTime = (text: string) => !Number.isNaN(Date.parse(text)) && new Date(text).toISOString() === text;
const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true, formats: { 'date-time': isTime } });

/** How a value violates the schema of this name, in words; empty if it conforms. */
export function breaks(name: 'input' | 'progress' | 'outcomes' | 'failures' | 'result', value: unknown): string {
  const path = fileURLToPath(new URL(`../../schemas/${name}.schema.json`, import.meta.url));
  const schema = JSON.parse(readFileSync(path, 'utf8')) as { $id: string };
  const validate = ajv.getSchema(schema.$id) ?? ajv.compile(schema);
  return validate(value) ? '' : ajv.errorsText(validate.errors);
}
