import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** How to start a program. */
export interface ProgramOptions {
  /** Variables on top of our environment; undefined removes one. */
  env?: Record<string, string | undefined>;
  cwd?: string | undefined;
  /** A file its output is appended to. */
  log?: string;
  /** It prints where we print, our terminal for instance, and its output is not kept. */
  inherit?: boolean;
  /** The command that ends it when this process has died, in the shell's words; default: SIGKILL to it and what it started. */
  lastWill?: string;
}

/** How a program ended: its exit code, or the signal that ended it. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A program that was started, and what may be done to it. */
export interface Program {
  readonly pid: number;
  /** Settles when the program has ended and its output is complete; never rejects. */
  readonly exited: Promise<Exit>;
  /** What it printed so far, on both streams. */
  output(): string;
  /** What it printed so far on standard output. */
  stdout(): string;
  /** The first whole line that matches, printed already or to come; throws, quoting the output, if the program ends first or `timeoutMs` (30,000) pass. */
  waitFor(line: RegExp, timeoutMs?: number): Promise<string>;
  /** Sends a signal; does nothing once the program has ended. */
  signal(signal: NodeJS.Signals): void;
  /** Sends SIGTERM and resolves to the exit code (null: a signal ended it); after `timeoutMs` (30,000) kills it and throws. */
  stop(timeoutMs?: number): Promise<number | null>;
  /** Sends SIGKILL and waits until it is gone. */
  kill(): Promise<Exit>;
}

// Each program has a process group of its own, so that Ctrl-C in a terminal reaches only us and we stop things in order.
// It would outlive us, though: so a shell beside it reads a pipe that we hold, and kills the group when the pipe ends
// without a word, however we died. `exec` makes the program's pid the one that we know.
const withLifeline = (lastWill: string) => `(read _ <&3 || { ${lastWill}; }) >/dev/null 2>&1 & exec "$@" 3<&-`;

/** A word as the shell reads it, for a last will. */
export const quoted = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;

/** Starts `file`, found on the PATH, with `args`; a file that doesn't exist shows as exit code 127. It is killed when this process ends, however it ends. */
export function startProgram(file: string, args: readonly string[], options: ProgramOptions = {}): Program {
  const printing = options.inherit ? 'inherit' : 'pipe';
  const child = spawn('/bin/sh', ['-c', withLifeline(options.lastWill ?? 'kill -KILL 0'), 'sh', file, ...args], {
    detached: true,
    env: { ...process.env, ...options.env },
    cwd: options.cwd,
    stdio: ['ignore', printing, printing, 'pipe'],
  });
  // The shell at its other end may be gone before us.
  const lifeline = (child.stdio[3] as Writable).on('error', () => undefined);
  const name = [file, ...args].join(' ');
  let output = '';
  let stdout = '';
  let running = true;
  let complete = false;

  const collect = (text: string) => {
    output += text;
    if (options.log !== undefined) appendFileSync(options.log, text);
  };
  child.stdout?.setEncoding('utf8').on('data', collect);
  child.stdout?.on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', collect);

  const exited = new Promise<Exit>((resolve) => {
    child.once('error', (error) => collect(`${error.message}\n`));
    child.once('exit', () => {
      running = false;
      lifeline.end('done\n');
    });
    child.once('close', (code, signal) => {
      complete = true;
      resolve({ code, signal });
    });
  });

  function signal(wanted: NodeJS.Signals) {
    if (running) child.kill(wanted);
  }

  async function waitFor(line: RegExp, timeoutMs = 30_000) {
    const giveUpAt = performance.now() + timeoutMs;
    for (;;) {
      const lastLook = complete || performance.now() > giveUpAt;
      const found = output
        .split('\n')
        .slice(0, -1)
        .find((candidate) => line.test(candidate));
      if (found !== undefined) return found;
      if (lastLook) {
        const why = complete ? 'before it ended' : `in ${timeoutMs / 1000} s`;
        throw new Error(`${name} printed no line like ${line} ${why}. Its output:\n${output}`);
      }
      await Promise.race([exited, sleep(20)]);
    }
  }

  async function stop(timeoutMs = 30_000) {
    let killed = false;
    const patience = setTimeout(() => {
      killed = true;
      signal('SIGKILL');
    }, timeoutMs);
    signal('SIGTERM');
    const { code } = await exited;
    clearTimeout(patience);
    if (!killed) return code;
    throw new Error(`${name} was killed: it went on ${timeoutMs / 1000} s after SIGTERM. Its output:\n${output}`);
  }

  function kill() {
    signal('SIGKILL');
    return exited;
  }

  // Without a /bin/sh or the folder there is no pid, and `exited` settles at once.
  return { pid: child.pid ?? -1, exited, output: () => output, stdout: () => stdout, waitFor, signal, stop, kill };
}
