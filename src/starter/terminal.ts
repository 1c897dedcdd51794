import { styleText } from 'node:util';
import { createInterface } from 'node:readline/promises';

/** Text in a colour, where there is a terminal to show it. */
export type Paint = (format: Parameters<typeof styleText>[0], text: string) => string;

/** Colours for an output: none unless it is a terminal that has them, and none with NO_COLOR. */
export function painter(stream: NodeJS.WriteStream): Paint {
  return (format, text) => (stream.isTTY ? styleText(format, text, { stream }) : text);
}

/** Asks a person at the terminal; anything but y or yes is a no. Throws AbortError on `signal`. */
export async function ask(question: string, signal: AbortSignal): Promise<boolean> {
  // Not in readline's terminal mode, where Ctrl-C is no signal.
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  try {
    const answer = await Promise.race([lines.question(`${question} [y/N] `, { signal }), closed]);
    if (answer === '') process.stderr.write('\n');
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}

/** Whether there is a person at a terminal to ask. */
export const canAsk = (): boolean => process.stdin.isTTY && process.stderr.isTTY;

/**
 * A text for a terminal, without what one would act on or a reader be misled by: job ids, memos, reasons and messages may be
 * anybody's. Line ends and colours stay; both only come from ourselves where `printable` has seen the rest.
 */
export const harmless = (text: string): string => text.replace(UNSAFE, (_, colour?: string) => colour ?? '\uFFFD');

// The sequence of a colour is kept as it is.
const UNSAFE = new RegExp(String.raw`(\x1b\[\d{0,2}m)|[^\P{C}\n\t]|[\p{Zl}\p{Zp}]`, 'gu');

/** Prints a line. */
export const print = (text: string): void => void process.stdout.write(`${harmless(text)}\n`);

/** Prints a line for people where the output is for programs. */
export const printAside = (text: string): void => void process.stderr.write(`${harmless(text)}\n`);
