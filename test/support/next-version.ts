/** Other versions of this package: what is built, with other workflows in it. */
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const ROOT = path('../..');

/** Copies the package into a new folder; returns its `dist`. */
async function copyTo(folder: string): Promise<string> {
  const dist = join(folder, 'dist');
  await mkdir(folder);
  await Promise.all([
    cp(join(ROOT, 'dist'), dist, { recursive: true }),
    cp(join(ROOT, 'package.json'), join(folder, 'package.json')),
    symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules')),
  ]);
  return dist;
}

/** Makes one in `folder` in which a constant of a module of `dist` has this value; returns its `dist`. */
export async function buildWith(folder: string, module: string, constant: string, value: number): Promise<string> {
  const dist = await copyTo(folder);
  const code = await readFile(join(dist, module), 'utf8');
  const changed = code.replace(new RegExp(`(?<=const ${constant} = )[^;]+;`), `${value};`);
  if (changed === code) throw new Error(`Expected the constant ${constant} in ${module}.`);
  await writeFile(join(dist, module), changed);
  return dist;
}

/** Makes the next one in `folder`, with the interceptors that a file of this folder exports; returns its `dist`. */
export async function buildNext(folder: string, interceptors: string): Promise<string> {
  const dist = await copyTo(folder);
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(ROOT, 'src/workflows/index.ts'),
    payloadConverterPath: join(ROOT, 'src/payloads/converter.ts'),
    workflowInterceptorModules: [path(interceptors)],
    logger: new DefaultLogger('ERROR'),
  });
  await writeFile(join(dist, 'workflow-bundle.js'), code);
  return dist;
}
