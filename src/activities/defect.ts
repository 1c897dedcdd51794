/** A fault of the worker's own program, as opposed to one of its surroundings, which pass. */
import { Context } from '@temporalio/activity';

/** What the worker was given brings out a fault of its program. The message quotes nothing of what that was. */
export class Defect extends Error {
  override name = 'Defect';
}

/** Errors by name that only a program itself makes. Those of networks, disks and servers have other ones. */
const NAMES = new Set([
  ...['TypeError', 'RangeError', 'ReferenceError', 'SyntaxError', 'URIError'],
  ...['AssertionError', 'ZodError', '$ZodError'],
]);

/** An error of the program as a Defect, which is logged; others as they are. Memory that has run out is none. */
export function asDefect(error: unknown): unknown {
  const { name = '', message = '', stack = '' } = error instanceof Object ? (error as Error) : {};
  if (!NAMES.has(name) || /allocat/i.test(message)) return error;
  // Messages of JSON.parse and the like quote what they were given.
  const frames = stack.slice(stack.indexOf(message) + message.length);
  const { info, log } = Context.current();
  log.error('the worker is at fault', { error: name, at: frames });
  return new Defect(
    `The worker itself is at fault: ${name} in ${info.activityType}${placeIn(frames)}, brought out by something in the data. ` +
      'Report this, with the version of the worker.',
  );
}

/** Where in our program it was, without the folder on this machine. */
function placeIn(frames: string): string {
  const places = frames.split('\n').filter((line) => /^\s+at /.test(line));
  const ours = places.find((line) => !/node:|node_modules|<anonymous>/.test(line)) ?? places[0] ?? '';
  return ours.replace(/^\s+at /, ' at ').replace(/[^\s(]*\/(?=[^/]*\/[^/]*$)/, '');
}
