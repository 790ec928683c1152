import { expect, test } from 'vitest';
import { loggerTo } from '../../../test/helpers/logger.js';
import { decodeCatalog, encodeJson } from '../../protocol/messages.js';
import { readCatalog } from './catalog.js';
import { readHello } from './handshake.js';

const deep: unknown = JSON.parse(`${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`);
const signal = new AbortController().signal;

test('whatever a server offers, the relay takes what is sent of it', async () => {
  const warnings: string[] = [];
  const text = 'x'.repeat(3 * 1024 * 1024);
  const hello = readHello({
    protocolVersion: '2025-11-25',
    serverInfo: { name: deep },
    capabilities: { tools: {}, experimental: { text } },
    instructions: text,
  });
  const tools = [
    { name: 'first' },
    { name: 'n'.repeat(1025) },
    { name: 'deep', inputSchema: deep },
    { name: 'large', description: text },
    { name: 'larger', description: text },
    { name: '__proto__', inputSchema: { type: 'object' } },
  ];
  const capable = { ...hello, capabilities: { tools: {} } };
  const catalog = await readCatalog(
    capable,
    async () => ({ tools }),
    loggerTo((_level, message) => void warnings.push(message)),
    signal,
  );
  expect(catalog.tools.map(({ name }) => name)).toEqual(['first', 'large', '__proto__']);
  expect(warnings).toEqual([expect.stringContaining('left out 3 of tools/list')]);
  expect(hello).toMatchObject({ serverInfo: {}, capabilities: {} });
  const body = encodeJson({ seq: 1, server: 'shell', status: 'ready', offer: catalog });
  expect(body.length).toBeLessThan(8 * 1024 * 1024);
  expect(decodeCatalog(body).offer?.tools).toHaveLength(3);
});
