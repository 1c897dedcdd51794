/** A next version of this package: what is built, with other workflows in it. */
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const ROOT = path('../..');

/** Makes it in `folder`, with the interceptors that a file of this folder exports; returns its `dist`. */
export async function buildNext(folder: string, interceptors: string): Promise<string> {
  const dist = join(folder, 'dist');
  await mkdir(folder);
  await Promise.all([
    cp(join(ROOT, 'dist'), dist, { recursive: true }),
    cp(join(ROOT, 'package.json'), join(folder, 'package.json')),
    symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules')),
  ]);
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(ROOT, 'src/workflows/index.ts'),
    payloadConverterPath: join(ROOT, 'src/payloads/converter.ts'),
    workflowInterceptorModules: [path(interceptors)],
    logger: new DefaultLogger('ERROR'),
  });
  await writeFile(join(dist, 'workflow-bundle.js'), code);
  return dist;
}
