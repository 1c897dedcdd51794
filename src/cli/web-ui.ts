const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;
const CLOUD = /\.(?:tmprl\.cloud|api\.temporal\.io)$/;
const DEFAULT_PORT = 7233;

/** Where the Web UI of the Temporal server at `host:port` is, without a slash at its end; undefined where nobody can tell. */
export function webUiBase(address: string, setting: string | undefined): string | undefined {
  if (setting !== undefined) return setting.replace(/\/+$/, '');
  const [, host = '', port = String(DEFAULT_PORT)] = /^(.*?)(?::(\d+))?$/.exec(address) ?? [];
  // `temporal server start-dev` serves it there.
  if (LOOPBACK.test(host)) return `http://${host}:${Number(port) + 1000}`;
  return CLOUD.test(host) ? 'https://cloud.temporal.io' : undefined;
}

/** A workflow's page in the Web UI. */
export function workflowPage(base: string, namespace: string, id: string): string {
  return `${base}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(id)}`;
}
