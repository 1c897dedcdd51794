import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { startProgram, type Program } from '../../dev/servers/processes.ts';
import { noSettings } from './system.ts';

/** Writes a file with one payload key, of this id. */
export async function writePayloadKeys(path: string, id = '2026-11'): Promise<string> {
  const keys = { [id]: randomBytes(32).toString('base64') };
  await writeFile(path, JSON.stringify({ encryptWith: id, keys }), { mode: 0o600 });
  return path;
}

/** Starts our codec server on this port of loopback, and resolves when it listens. */
export async function startCodecServer(port: number, settings: Record<string, string>): Promise<Program> {
  const env = { ...noSettings(), CODEC_ADDRESS: `127.0.0.1:${port}`, ...settings };
  const program = startProgram(process.execPath, ['dist/codec-server.js'], { env });
  await program.waitFor(/ready/);
  return program;
}
