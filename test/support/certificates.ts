import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Paths of a certificate and its key, both PEM. */
export interface Certificate {
  cert: string;
  key: string;
}

/** Makes a certificate authority in `folder`, valid for a day, with the machine's openssl. */
export async function makeAuthority(folder: string, name: string): Promise<Certificate> {
  const made = pathsOf(folder, name);
  await run('openssl', ['req', '-x509', ...newKey(name, made), '-out', made.cert, '-days', '1']);
  return made;
}

/** Makes a certificate for 127.0.0.1 and localhost, signed by `authority`; with `days` -1 it has expired. */
export async function makeCertificate(
  folder: string,
  name: string,
  authority: Certificate,
  days = 1,
): Promise<Certificate> {
  const made = pathsOf(folder, name);
  const [request, extensions] = [join(folder, `${name}.csr`), join(folder, 'extensions')];
  await writeFile(extensions, 'subjectAltName = DNS:localhost, IP:127.0.0.1\n');
  await run('openssl', ['req', ...newKey(name, made), '-out', request]);
  const signed = [
    '-CA',
    authority.cert,
    '-CAkey',
    authority.key,
    '-set_serial',
    `0x${Buffer.from(name).toString('hex')}`,
  ];
  const args = ['-in', request, ...signed, '-days', String(days), '-extfile', extensions, '-out', made.cert];
  await run('openssl', ['x509', '-req', ...args]);
  return made;
}

const pathsOf = (folder: string, name: string): Certificate => ({
  cert: join(folder, `${name}.pem`),
  key: join(folder, `${name}.key`),
});

const newKey = (name: string, { key }: Certificate): string[] => [
  ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
  ...['-keyout', key, '-subj', `/CN=${name}`],
];
