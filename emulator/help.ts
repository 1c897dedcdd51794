import { EVENTS, SWITCHES } from './fault-kinds.ts';
import { STATS } from './stats.ts';

const WIDTH = 116;

/** A name with its meaning beside it, wrapped. */
function entry(name: string, about: string): string {
  const indent = ' '.repeat(33);
  const lines = [''];
  for (const word of about.split(' ')) {
    const line = `${lines.at(-1)} ${word}`;
    if (line.length > WIDTH - indent.length) lines.push(` ${word}`);
    else lines[lines.length - 1] = line;
  }
  return `  ${name.padEnd(30)}${lines.join(`\n${indent.slice(1)}`)}`;
}

const kinds = (table: typeof EVENTS | typeof SWITCHES): string =>
  Object.entries(table)
    .map(([name, { about, parameters }]) => {
      const defaults = JSON.stringify(parameters.parse({})).replaceAll('"', '').slice(1, -1).replaceAll(',', ', ');
      return entry(name, defaults ? `${about} (${defaults})` : about);
    })
    .join('\n');

/** What `--help` says after the options. */
export const HELP = `
A BigCommerce for tests and trials, on the loopback interface only: PUT and GET /stores/{hash}/v3/customers and
GET /stores/{hash}/v2/time, with the tokens, limits, rate-limit headers and errors of the real one.
Customers 1…N exist in every store, with the e-mail address customer{id}@example.com. A store takes 3 requests at a
time. An update is applied just before its answer, even if the client has left by then.

Control, on the same port, in JSON:

  curl 'localhost:8080/_control/stats?store=demo'
      the counters of a store; without store, those of all stores, by hash:
${Object.entries(STATS)
  .map(([name, about]) => entry(`  ${name}`, about))
  .join('\n')}

  curl localhost:8080/_control/customers/demo/1
      the customer's current values, and as _applied the number of updates that were applied to it

  curl localhost:8080/_control/tokens -d '{"store":"demo","token":"new-token"}'
      replaces the token of a store; the old one then gets 401
  curl localhost:8080/_control/tokens -d '{"store":"demo","scope":false}'
      takes the scope away from the token, which then gets 403; true gives it back

  curl localhost:8080/_control/reset -d '{"store":"demo"}'
      puts back customers, tokens, counters, quota and faults as they were at the start; without store, in all stores

  curl localhost:8080/_control/faults -d '{"fault":"status","status":503,"store":"demo","count":5}'
  curl localhost:8080/_control/faults -d '[{"fault":"reset","after":10},{"fault":"partial"}]'
  curl localhost:8080/_control/faults -d '{"clear":true,"store":"demo"}'
      adds one fault or several, or ends them all. Without store, this applies to every store.

  Faults that happen to requests. "count": how many requests meet it (1 by default; "always" or null for all, which is
  the default with seconds or probability); "after": how many pass first; "probability": from 0 to 1; "seconds": for
  how long; "on": "put" (default), "get" or "all"; "customer": only PUTs that contain this id. A request meets one
  fault, the oldest that applies.
${kinds(EVENTS)}

  Faults that last until they are cleared, or for "seconds":
${kinds(SWITCHES)}
`;
