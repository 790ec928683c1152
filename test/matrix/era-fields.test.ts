import { afterAll, beforeAll, expect, test } from 'vitest';
import { Place } from './place.js';

let place: Place;

beforeAll(async () => {
  place = await Place.open();
}, 120_000);

afterAll(async () => {
  await place?.[Symbol.asyncDispose]();
});

const REQUESTS: readonly [string, Record<string, unknown>][] = [
  ['tools/list', {}],
  ['tools/call', { name: 'add', arguments: { a: 1, b: 2 } }],
  ['prompts/list', {}],
  ['prompts/get', { name: 'test_simple_prompt' }],
  ['resources/list', {}],
  ['resources/templates/list', {}],
  ['resources/read', { uri: 'test://static-text' }],
  [
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'test_prompt_with_arguments' }, argument: { name: 'arg1', value: 'p' } },
  ],
];
const CACHED = /list$|resources\/read/;

test.each(REQUESTS)('§7.2 %s of a legacy server has the fields of a modern result', async (method, params) => {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const name = params.name ?? params.uri;
  const { answer, session } = await place.post(
    '/laptop/old',
    { id: 7, method, params: { ...params, _meta } },
    {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
    },
  );
  expect(session).toBe('');
  expect(answer).toMatchObject({ id: 7, result: { resultType: 'complete' } });
  if (CACHED.test(method)) expect(answer.result).toMatchObject({ ttlMs: expect.any(Number), cacheScope: 'private' });
});

test.each(['2025-06-18', '2024-11-05'])('§7.3 a client of %s sees no field of a modern server', async (version) => {
  const clientInfo = { name: 'raw', version: '1' };
  const params = { protocolVersion: version, capabilities: {}, clientInfo };
  const first = await place.post('/laptop/new', { id: 1, method: 'initialize', params }, {});
  const headers = { 'mcp-session-id': first.session, 'mcp-protocol-version': version };
  await place.post('/laptop/new', { method: 'notifications/initialized' }, headers);
  const answers = [first.answer];
  const more: typeof REQUESTS = [
    ['ping', {}],
    ['logging/setLevel', { level: 'error' }],
  ];
  for (const [method, asked] of [...REQUESTS, ...more]) {
    const { answer } = await place.post('/laptop/new', { id: method, method, params: asked }, headers);
    expect(answer).toMatchObject({ id: method, result: {} });
    answers.push(answer);
  }
  expect(JSON.stringify(answers)).not.toMatch(/"(?:resultType|ttlMs|cacheScope|io\.modelcontextprotocol\/serverInfo)"/);
  expect(answers.slice(-2)).toEqual([
    { jsonrpc: '2.0', id: 'ping', result: {} },
    { jsonrpc: '2.0', id: 'logging/setLevel', result: {} },
  ]);
});
