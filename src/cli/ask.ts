import { createInterface } from 'node:readline/promises';

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
