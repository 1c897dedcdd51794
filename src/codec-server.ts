/** The codec server: decrypts payloads for the Web UI and the command line of whoever has its token. */
import { once } from 'node:events';
import { BadConfig, codecServerConfig } from './config.ts';
import { encryptionCodec } from './payloads/codec.ts';
import { createCodecServer } from './payloads/codec-http.ts';
import { BadPayloadKeys, readPayloadKeys } from './payloads/keys.ts';
import { listen, onSignals } from './process.ts';

async function main(): Promise<void> {
  const { PAYLOAD_KEYS_FILE, CODEC_ADDRESS: address, CODEC_ORIGINS: origins, CODEC_TOKEN: token } = codecServerConfig();
  const codec = encryptionCodec(await readPayloadKeys(PAYLOAD_KEYS_FILE));
  const server = createCodecServer({ codec, origins, token });
  await listen(server, address).catch((error: unknown) => {
    throw new BadConfig(`CODEC_ADDRESS: expected a free address of this machine, got ${address}: ${String(error)}`);
  });
  onSignals(['SIGTERM', 'SIGINT'], () => {
    server.close();
    server.closeIdleConnections();
  });
  console.log(`ready: http://${address} decodes for ${origins.join(', ')}`);
  await once(server, 'close');
}

await main().catch((error: unknown) => {
  const expected = error instanceof BadConfig || error instanceof BadPayloadKeys;
  console.error(expected ? error.message : error);
  process.exitCode = expected ? 2 : 1;
});
