/** When a schedule starts its job, as people write it. Pure. */
import { describeValue } from '../contract/describe.ts';
import { BadInput } from '../contract/schema.ts';

/** Either `cron` or `every`. */
export interface When {
  /** Minute, hour, day of the month, month, day of the week: `30 2 * * *` is 2:30 each night. */
  cron?: string | undefined;
  /** A name of the IANA's, such as `Europe/Berlin`, for `cron`. Default UTC. */
  timezone?: string | undefined;
  /** A number and `s`, `m`, `h` or `d`: `4h` is at 0:00, 4:00, 8:00 and so on, in UTC. */
  every?: string | undefined;
}

/** The same as the server takes it. */
export type Spec = { cronExpressions: string[]; timezone: string } | { intervals: { every: number }[] };

const UNITS_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const FIELDS = [
  { name: 'minute', min: 0, max: 59, names: [] },
  { name: 'hour', min: 0, max: 23, names: [] },
  { name: 'day of the month', min: 1, max: 31, names: [] },
  { name: 'month', min: 1, max: 12, names: MONTHS },
  { name: 'day of the week', min: 0, max: 6, names: DAYS },
];

/** Checks when a schedule is to start its job. Throws BadInput. */
export function specOf({ cron, timezone, every }: When): Spec {
  if ((cron === undefined) === (every === undefined)) {
    const got = cron === undefined ? 'neither' : 'both';
    throw new BadInput(`Expected either cron, such as "30 2 * * *", or every, such as "4h", got ${got}.`);
  }
  if (cron !== undefined) {
    checkCron(cron);
    return { cronExpressions: [cron], timezone: checkTimezone(timezone ?? 'UTC') };
  }
  if (timezone !== undefined) {
    throw new BadInput('timezone: expected one with cron only: intervals are counted in UTC.');
  }
  const [, count = '', unit = ''] = /^([1-9]\d{0,8})([smhd])$/.exec(String(every)) ?? [];
  const ms = Number(count) * (UNITS_MS[unit] ?? 0);
  if (ms > 0 && ms <= MAX_MS) return { intervals: [{ every: ms }] };
  throw new BadInput(
    `every: expected a whole number and s, m, h or d, such as "4h", at most 366d, got ${describeText(every)}.`,
  );
}

const MAX_MS = 366 * 86_400_000;

/** The same in words. */
export const whenText = ({ cron, timezone = 'UTC', every }: When): string =>
  cron === undefined ? `every ${every}` : `${cron} (${timezone})`;

function checkCron(cron: unknown): void {
  const fields = typeof cron === 'string' ? cron.trim().split(/\s+/) : [];
  if (fields.length !== FIELDS.length) {
    const names = FIELDS.map(({ name }) => name).join(', ');
    throw new BadInput(`cron: expected five fields, ${names}, such as "30 2 * * *", got ${describeText(cron)}.`);
  }
  for (const [index, { name, min, max, names }] of FIELDS.entries()) {
    const field = fields[index] as string;
    const numberOf = (text: string) => {
      const named = names.indexOf(text.toLowerCase());
      return named >= 0 ? named + min : /^\d{1,2}$/.test(text) ? Number(text) : NaN;
    };
    const isPart = (part: string) => {
      const [, range = '', step] = /^([^/]+)(?:\/([1-9]\d?))?$/.exec(part) ?? [];
      if (range === '*') return true;
      const ends = range.split('-').map(numberOf);
      const [from = NaN, to = from] = ends;
      return ends.length <= 2 && from >= min && to <= max && from <= to && (step === undefined || ends.length === 2);
    };
    if (field.split(',').every(isPart)) continue;
    const [first, last] = [names[0]?.toUpperCase(), names.at(-1)?.toUpperCase()];
    const orNames = first === undefined ? '' : ` or ${first} to ${last}`;
    throw new BadInput(
      `cron: expected the ${name} as *, ${min} to ${max}${orNames}, a range such as ${min}-${max}, a step such as */2, or ` +
        `several of them with commas, got ${describeText(field)}.`,
    );
  }
}

function checkTimezone(timezone: string): string {
  try {
    // Offsets such as +01:00, which Temporal does not take, have no letter at the beginning.
    if (/^[A-Za-z]/.test(timezone) && Intl.DateTimeFormat('en', { timeZone: timezone }) instanceof Object)
      return timezone;
  } catch {
    // Not known either.
  }
  throw new BadInput(`timezone: expected a name such as Europe/Berlin or UTC, got ${describeText(timezone)}.`);
}

const describeText = (value: unknown): string =>
  typeof value === 'string' ? JSON.stringify(value.slice(0, 100)) : describeValue(value);
