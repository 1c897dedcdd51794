import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Browser, chromium, type Page } from 'playwright-core';

const run = promisify(execFile);

/** Where screenshots go: SCREENSHOTS, such as docs/screenshots for the README's, else out of the way. */
const FOLDER = fileURLToPath(new URL(`../../${process.env['SCREENSHOTS'] ?? '.cache/screenshots'}`, import.meta.url));

/** Starts the machine's Chromium. Throws, saying what to install, if it has none. */
export async function startChromium(): Promise<Browser> {
  const found = await run('sh', [
    '-c',
    'command -v chromium || command -v chromium-browser || command -v google-chrome',
  ]).catch(() => {
    throw new Error(
      'Expected Chromium on the PATH, found none. On Debian: apt-get update && apt-get install -y chromium',
    );
  });
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'];
  args.push('--disable-background-networking', '--disable-component-update', '--disable-sync');
  return chromium.launch({ executablePath: found.stdout.trim(), args });
}

/** Keeps what the page shows, under this name. */
export async function screenshot(page: Page, name: string): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  await page.screenshot({ path: `${FOLDER}/${name}.jpeg`, quality: 80 });
}
