import { styleText } from 'node:util';
import { createInterface } from 'node:readline/promises';

/** Text in a colour, if there is a terminal to show it. */
export type Paint = (format: Parameters<typeof styleText>[0], text: string) => string;

/** Colours for an output: none unless it is a terminal that supports them, and none with NO_COLOR. */
export function painter(stream: NodeJS.WriteStream): Paint {
  return (format, text) => (stream.isTTY ? styleText(format, text, { stream }) : text);
}

/** Asks a person at the terminal; anything but y or yes means no. Throws AbortError on `signal`. */
export async function ask(question: string, signal: AbortSignal): Promise<boolean> {
  // Not in readline's terminal mode, in which Ctrl-C is not a signal.
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
 * A text without the control characters that a terminal would act on or that would mislead a reader: job ids, memos,
 * reasons and messages can come from anybody. Line ends and colours stay: `printable` has taken those of others away.
 */
export const stripControl = (text: string): string => text.replace(UNSAFE, (_, colour?: string) => colour ?? '\uFFFD');

// Its first part is the sequence of a colour, which is kept.
const UNSAFE = new RegExp(String.raw`(\x1b\[\d{0,2}m)|[^\P{C}\n\t]|[\p{Zl}\p{Zp}]`, 'gu');

export const print = (text: string): void => void process.stdout.write(`${stripControl(text)}\n`);

/** Prints a line for people when the output is for programs. */
export const printAside = (text: string): void => void process.stderr.write(`${stripControl(text)}\n`);
