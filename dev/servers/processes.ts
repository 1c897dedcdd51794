import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** How to start a program. */
export interface ProgramOptions {
  /** Variables on top of our environment; undefined removes one. */
  env?: Record<string, string | undefined>;
  cwd?: string | undefined;
  /** A file to append its output to. */
  log?: string;
  /** It prints where we print, for example on our terminal, and its output is not kept. */
  inherit?: boolean;
  /** The shell command that ends it if this process dies; default: SIGKILL to it and to what it started. */
  lastWill?: string;
}

/** How a program ended: its exit code, or the signal that ended it. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A program that was started. */
export interface Program {
  readonly pid: number;
  /** Settles when the program has ended and its output is complete; never rejects. */
  readonly exited: Promise<Exit>;
  /** What it has printed so far, on both streams. */
  output(): string;
  /** What it has printed so far on standard output. */
  stdout(): string;
  /**
   * The first whole line that matches, already printed or still to come. Throws, with the output, if the program ends
   * first or if it takes longer than `timeoutMs`, by default 30,000.
   */
  waitFor(line: RegExp, timeoutMs?: number): Promise<string>;
  /** Sends a signal; does nothing once the program has ended. */
  signal(signal: NodeJS.Signals): void;
  /**
   * Sends SIGTERM and returns the exit code, or null if a signal ended it. Kills it and throws if it is still running
   * after `timeoutMs`, by default 30,000.
   */
  stop(timeoutMs?: number): Promise<number | null>;
  /** Sends SIGKILL and waits until it is gone. */
  kill(): Promise<Exit>;
}

// Each program has its own process group, so that Ctrl-C in a terminal reaches only us, and we stop things in order.
// But then it would outlive us if we die. So a shell beside it reads a pipe that we hold open, and kills the group if
// the pipe closes without a word. Thanks to `exec` the program's pid is the one that we know.
const withLifeline = (lastWill: string) => `(read _ <&3 || { ${lastWill}; }) >/dev/null 2>&1 & exec "$@" 3<&-`;

/** A word, quoted for the shell, for a last will. */
export const quoted = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;

/**
 * Starts `file` from the PATH with `args`; if there is no such file, its exit code is 127. It is killed when this
 * process ends, however that ends.
 */
export function startProgram(file: string, args: readonly string[], options: ProgramOptions = {}): Program {
  const printing = options.inherit ? 'inherit' : 'pipe';
  const child = spawn('/bin/sh', ['-c', withLifeline(options.lastWill ?? 'kill -KILL 0'), 'sh', file, ...args], {
    detached: true,
    env: { ...process.env, ...options.env },
    cwd: options.cwd,
    stdio: ['ignore', printing, printing, 'pipe'],
  });
  // The shell at the other end may end before us.
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
    throw new Error(
      `${name} was killed: it was still running ${timeoutMs / 1000} s after SIGTERM. Its output:\n${output}`,
    );
  }

  function kill() {
    signal('SIGKILL');
    return exited;
  }

  // If there is no /bin/sh or no such folder, there is no pid, and `exited` settles at once.
  return { pid: child.pid ?? -1, exited, output: () => output, stdout: () => stdout, waitFor, signal, stop, kill };
}
