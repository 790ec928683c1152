import { describe, expect, test } from 'vitest';
import { freePort } from '../../scripts/demo/free-port.mjs';
import { tempFolder } from '../helpers/temp.js';
import { startRig } from '../tunnel/relay-rig.js';
import { FrontProxy, type Kind } from './proxy.js';

const kinds: readonly Kind[] = ['nginx', 'caddy'];
const METADATA = '/.well-known/oauth-authorization-server';
const [ANNA, BEN] = ['127.0.0.2', '127.0.0.3'];

describe.runIf(process.platform === 'linux').each(kinds)('rate limits behind %s', (kind) => {
  test.each([
    ['count each visitor where the proxy is trusted', 1, 200],
    ['count the proxy where it is not', false, 429],
  ] as const)('%s', async (_name, trustProxy, another) => {
    await using folder = await tempFolder(`visitors-${kind}`);
    const port = await freePort();
    await using rig = await startRig({ requestsPerMinute: 2 }, { issuerUrl: `https://localhost:${port}`, trustProxy });
    await using proxy = await FrontProxy.start(kind, port, rig.relay.port, folder.path);
    for (const status of [200, 200, 429]) expect(await proxy.from(ANNA, METADATA)).toBe(status);
    // What a visitor says of himself is not believed.
    expect(await proxy.from(ANNA, METADATA, { 'x-forwarded-for': '198.51.100.7' })).toBe(429);
    expect(await proxy.from(BEN, METADATA)).toBe(another);
  });
});
