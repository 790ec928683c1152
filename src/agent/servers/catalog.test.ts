import { expect, test } from 'vitest';
import { loggerTo } from '../../../test/helpers/logger.js';
import { decodeCatalog, encodeJson } from '../../protocol/messages.js';
import { type Query, readCatalog } from './catalog.js';
import { readDiscovery, readHello } from './handshake.js';
import { QueryError } from './server-session.js';

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

const everything = readDiscovery({
  supportedVersions: ['2026-07-28', '2025-11-25'],
  capabilities: { tools: {}, prompts: {}, resources: {} },
  instructions: 'Be kind.',
  _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'x' } },
});
const lists: Readonly<Record<string, unknown>> = {
  'tools/list': { tools: [{ name: 't' }] },
  'prompts/list': { prompts: [{ name: 'p' }, { title: 'no name' }] },
  'resources/list': { resources: [{ uri: 'file:///a', name: 'a' }] },
  'resources/templates/list': { resourceTemplates: [{ uriTemplate: 'file:///{x}', name: 'x' }] },
};

function read(answers: Readonly<Record<string, unknown>>, hello = everything) {
  const warnings: string[] = [];
  const asked: string[] = [];
  const query: Query = async (method) => {
    asked.push(method);
    const answer = answers[method];
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const logger = loggerTo((_level, message) => void warnings.push(message));
  if (!hello) throw new Error('no DiscoverResult');
  return {
    warnings,
    asked,
    catalog: readCatalog(hello, query, logger, signal),
    again: (before: Parameters<typeof readCatalog>[4]) =>
      readCatalog(hello, query, logger, signal, before, ['prompts']),
  };
}

test('all lists are read, each entry with what it has', async () => {
  const { catalog, warnings } = read(lists);
  expect(await catalog).toEqual({
    era: 'modern',
    protocolVersion: '2026-07-28',
    serverInfo: { name: 'x' },
    capabilities: { tools: {}, prompts: {}, resources: {} },
    instructions: 'Be kind.',
    tools: [{ name: 't' }],
    prompts: [{ name: 'p' }],
    resources: [{ uri: 'file:///a', name: 'a' }],
    resourceTemplates: [{ uriTemplate: 'file:///{x}', name: 'x' }],
    fit: true,
  });
  expect(warnings).toEqual([expect.stringContaining('skipped 1 of prompts/list without "name"')]);
});

test('a list that is refused leaves the others', async () => {
  const refused = (method: string, code: number) => new QueryError(method, { code, message: 'no' });
  const { catalog, warnings } = read({
    ...lists,
    'prompts/list': refused('prompts/list', -32603),
    'resources/templates/list': refused('resources/templates/list', -32601),
  });
  expect(await catalog).toMatchObject({ tools: [{ name: 't' }], prompts: [], resources: [{}], resourceTemplates: [] });
  expect(warnings).toEqual(['could not read a list']);
  await expect(read({ ...lists, 'tools/list': refused('tools/list', -32603) }).catalog).rejects.toThrow(
    'tools/list failed',
  );
  await expect(read({ ...lists, 'prompts/list': new Error('gone') }).catalog).rejects.toThrow('gone');
});

test('one kind is read anew without the others', async () => {
  const { catalog, again, asked } = read(lists);
  const before = { ...(await catalog), prompts: [] };
  asked.splice(0);
  expect(await again(before)).toEqual(await catalog);
  expect(asked).toEqual(['prompts/list']);
});

test('§7.31 5,000 entries and 50 pages of each list are enough', async () => {
  const page = Array.from({ length: 600 }, (_, index) => ({ name: `p${index}` }));
  const { catalog, asked, warnings } = read({ ...lists, 'prompts/list': { prompts: page, nextCursor: '' } });
  expect((await catalog).prompts).toHaveLength(5_000);
  expect(asked.filter((method) => method === 'prompts/list')).toHaveLength(9);
  expect(warnings).toEqual([expect.stringContaining('the rest is left out')]);
  const endless = read({ ...lists, 'prompts/list': { prompts: [], nextCursor: '' } });
  await endless.catalog;
  expect(endless.asked.filter((method) => method === 'prompts/list')).toHaveLength(50);
});

test('a DiscoverResult without this revision is none', () => {
  expect(readDiscovery({ supportedVersions: ['2025-11-25'], capabilities: {} })).toBeUndefined();
  expect(readDiscovery({ capabilities: {} })).toBeUndefined();
  expect(readDiscovery(null)).toBeUndefined();
  expect(readDiscovery({ supportedVersions: ['2026-07-28'] })).toMatchObject({ serverInfo: {}, capabilities: {} });
});
