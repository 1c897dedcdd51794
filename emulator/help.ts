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
A BigCommerce for tests and trials, on the loopback interface only, with the tokens, limits, rate-limit headers and
errors of the real one:

  PUT /stores/{hash}/v3/customers
      updates up to 10 customers, just before its answer, even if the client has left by then. Refused with 422: an id,
      group or channel that the store doesn't have, an empty list of channels, an e-mail address without its @ or with
      blanks in it, one that another customer on the same channel has, a password of fewer than 7 characters or without
      letters and digits, and what has the wrong type or length
  GET /stores/{hash}/v3/customers
      pages of customers by page and limit (50 if it is not given): all of them, or those that id:in and email:in name,
      in the order of their ids. email:in disregards case. Commas separate its values, each of which is percent-encoded:
      + is %2B. include=storecredit,formfields as in the real one
  GET /stores/{hash}/v3/customers/attributes
      pages of the attributes that the store has defined
  GET, PUT and DELETE /stores/{hash}/v3/customers/attribute-values
      pages of values by customer_id:in and attribute_id:in, or of all; sets those of up to 10 customers, by customer_id,
      attribute_id and value; removes those in id:in, whether or not they are there, and ALL of the store's if it names
      none. Refused with 422: a customer or attribute that the store doesn't have, a value that is no text of at most 255
      characters, or no number or date for an attribute of that type, unless it is blank
  GET /stores/{hash}/v2/customer_groups
      pages of groups by page and limit, as a bare array; 204 without a body after the last one
  GET /stores/{hash}/v2/time

Customers 1…N exist in every store, with the e-mail address customer{id}@example.com, in no group, and on all channels;
the groups are 1 Wholesale, 2 Retail and 3 VIP, the channels 1 and 2, the attributes 1 Loyalty Tier (string), 2 Points
(number) and 3 Member Since (date), of which nobody has a value. A store takes 3 requests at a time.

Control, on the same port, in JSON:

  curl 'localhost:8080/_control/stats?store=demo'
      the counters of a store; without store, those of all stores, by hash:
${Object.entries(STATS)
  .map(([name, about]) => entry(`  ${name}`, about))
  .join('\n')}

  curl localhost:8080/_control/customers/demo/1
      the customer's current values, and as _applied the number of updates that were applied to it; as _attributes the
      values of its attributes by their ids, and as _valuesApplied how many of those calls have set or removed

  curl localhost:8080/_control/customers -d '{"store":"demo","customers":[{"id":1,"notes":"by someone else"}]}'
      changes customers as someone else would: neither counted nor in _applied, and met by no limit or fault. Customers
      without a channel in common may have the same e-mail address, as in a store with several storefronts:
      [{"id":1,"channel_ids":[1]},{"id":2,"channel_ids":[2],"email":"customer1@example.com"}]

  curl localhost:8080/_control/attribute-values -d '{"store":"demo","values":[{"customer_id":1,"attribute_id":2,"value":"5"}]}'
      sets attribute values as someone else would, or removes them (null); whether they fit is not checked

  curl localhost:8080/_control/stores -d '{"store":"demo","groups":[{"id":7,"name":"VIP"}],"channels":[1,2,3]}'
  curl localhost:8080/_control/stores -d '{"store":"demo","attributes":[{"id":7,"name":"Tier","type":"string"}]}'
      replaces the store's groups, its channels, its attributes (at most 50), or several of them; customers keep what
      they have

  curl localhost:8080/_control/tokens -d '{"store":"demo","token":"new-token"}'
      replaces the token of a store; the old one then gets 401
  curl localhost:8080/_control/tokens -d '{"store":"demo","scope":false}'
      takes the scope away from the token, which then gets 403; true gives it back

  curl localhost:8080/_control/reset -d '{"store":"demo"}'
      puts back customers, groups, channels, attributes, tokens, counters, quota and faults as they were at the start; without
      store, in all stores

  curl localhost:8080/_control/faults -d '{"fault":"status","status":503,"store":"demo","count":5}'
  curl localhost:8080/_control/faults -d '[{"fault":"reset","after":10},{"fault":"partial"}]'
  curl localhost:8080/_control/faults -d '{"fault":"status","status":500,"customer":7,"on":"all","count":"always"}'
  curl localhost:8080/_control/faults -d '{"clear":true,"store":"demo"}'
      adds one fault or several, or ends them all. Without store, this applies to every store.

  Faults that happen to requests. "count": how many requests meet it (1 by default; "always" or null for all, which is
  the default with seconds or probability); "after": how many pass first; "probability": from 0 to 1; "seconds": for
  how long; "on": "put" for writes (default), "get" for reads, "all" for both; "endpoint": only calls to customers,
  attributes, attribute-values, customer_groups or time; "customer": only writes that contain this id and GETs that list
  it; "email": only GETs that ask for this address, in this spelling. A request meets one fault, the oldest that applies.
${kinds(EVENTS)}

  Faults that last until they are cleared, or for "seconds":
${kinds(SWITCHES)}
`;
