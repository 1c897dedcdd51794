import { MultiBar, type SingleBar } from 'cli-progress';
import type { JobState, Progress } from '../contract/job.ts';
import { type Paint, painter, stripControl } from './terminal.ts';
import { countsLine, paceLine, stateLine } from './words.ts';

export interface View {
  /** Called with every look at the job, whether or not anything has changed. */
  show(progress: Progress): void;
  /** Shows something that has to be read once. */
  say(text: string): void;
  /** Nothing more will follow. Can be called more than once. */
  end(): void;
}

/** A bar on a terminal, lines elsewhere. */
export function openView(output: NodeJS.WriteStream): View {
  return output.isTTY ? barView(output) : linesView((line) => output.write(`${stripControl(line)}\n`), Date.now);
}

/** Lines for logs: one when something has changed, at most every five seconds; the last one is never left out. */
export function linesView(write: (line: string) => void, now: () => number): View {
  const { show, showLatest } = changes((progress) => {
    const parts = [stateLine(progress, now()), paceLine(progress, now()), countsLine(progress.customers)];
    write(parts.filter((part) => part !== '').join(' · '));
  }, now);
  return { show, say: write, end: showLatest };
}

/** Lines for programs, as often as those for logs; the caller prints the last one, which says how it ended. */
export function jsonView(write: (progress: Progress) => void, say: (text: string) => void, now: () => number): View {
  const { show } = changes(write, now);
  return { show: (progress) => ENDED.includes(progress.state) || show(progress), say, end: () => undefined };
}

const ENDED: readonly JobState[] = ['completed', 'cancelled', 'failed'];

const INTERVAL_MS = 5_000;

/** Passes on what has changed, at most every five seconds; `showLatest` does it at once. */
function changes(write: (progress: Progress) => void, now: () => number) {
  let written = '';
  let writtenAt = -Infinity;
  let latest: Progress | undefined;

  function showLatest(): void {
    if (latest === undefined) return;
    // The pace and the time left change even if nothing has happened.
    const { customers, state, waitingFor } = latest;
    const content = JSON.stringify({ customers, state, waitingFor });
    if (content === written) return;
    write(latest);
    written = content;
    writtenAt = now();
  }

  function show(progress: Progress): void {
    latest = progress;
    if (now() - writtenAt >= INTERVAL_MS) showLatest();
  }

  return { show, showLatest };
}

const PERCENT = '[{bar}] {percentage}%  {text}';
const TEXT = '{text}';

/** A bar, the counts below it, and below those what the job is doing. */
function barView(output: NodeJS.WriteStream): View {
  const paint = painter(output);
  let bars: MultiBar | undefined;
  let lines: [bar: SingleBar, counts: SingleBar, state: SingleBar] | undefined;

  function open(): NonNullable<typeof lines> {
    // Lines are cut at the terminal's width, not wrapped: what is redrawn has to stay in its place.
    bars = new MultiBar({ stream: output, linewrap: true, barsize: 20, clearOnComplete: true, emptyOnZero: true });
    const line = (format: string) => (bars as MultiBar).create(1, 0, { text: '' }, { format });
    return [line(PERCENT), line(TEXT), line(TEXT)];
  }

  function close() {
    bars?.stop();
    bars = lines = undefined;
  }

  return {
    show(progress) {
      lines ??= open();
      const [bar, counts, state] = lines;
      const { customers } = progress;
      bar.setTotal(customers.total);
      bar.update(customers.total - customers.unprocessed, { text: paceLine(progress, Date.now()) });
      counts.update(0, { text: countsLine(customers) });
      state.update(0, { text: tinted(progress, paint) });
    },
    say(text) {
      close();
      output.write(`${stripControl(text)}\n`);
    },
    end: close,
  };
}

/** The state: highlighted if it needs a person, dimmed if it passes by itself. */
function tinted(progress: Progress, paint: Paint): string {
  const line = stateLine(progress, Date.now());
  if (progress.state === 'held' || progress.state === 'paused') return paint('yellow', line);
  return progress.waitingFor ? paint('dim', line) : line;
}
