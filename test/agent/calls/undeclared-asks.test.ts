import { expect, it } from 'vitest';
import { bench, type ClientSide, clientSide, MODERN } from './harness.js';

/** A modern server without an SDK, so that it asks what it may not. */
const SERVER = `
const sample = { a: { method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } } };
const task = { taskId: 't', status: 'input_required', createdAt: '', lastUpdatedAt: '', inputRequests: sample };
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
const results = {
  'server/discover': () => ({
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } },
    serverInfo: { name: 'hostile', version: '1' },
    _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'hostile', version: '1' } },
  }),
  'tools/list': () => ({ tools: [{ name: 'ask', inputSchema: { type: 'object' } }] }),
  'tools/call': () => ({ inputRequests: sample, resultType: 'input_required' }),
  'tasks/get': () => task,
};
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  if (method !== 'subscriptions/listen') {
    const result = results[method]?.();
    return send(result ? { id, result: { resultType: 'complete', ...result } } : { id, error: { code: -32601, message: method } });
  }
  const _meta = { 'io.modelcontextprotocol/subscriptionId': id };
  const { notifications } = params;
  send({ method: 'notifications/subscriptions/acknowledged', params: { notifications, _meta } });
  if (notifications.taskIds === undefined) return;
  send({ method: 'notifications/tasks', params: { ...task, _meta } });
  send({ method: 'notifications/tasks', params: { ...task, inputRequests: undefined, status: 'working', _meta } });
});
`;
const command: readonly [string, ...string[]] = [process.execPath, '-e', SERVER];
const capabilities = { sampling: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } };
const client = { ...MODERN, capabilities };

it.each([
  ['at a call', 'tools/call', { name: 'ask' }],
  ['in a task', 'tasks/get', { taskId: 't' }],
])(
  '§7.12 a server that asks a model undeclared is refused %s, unless the config allows it',
  async (_where, method, params) => {
    const over = { server: 'modern', client, head: { method }, params } as const;
    const refused = await (await bench({ modern: { command } })).call('ask', {}, over);
    expect(refused.json).toContain('sampling is not allowed by the config');
    expect(refused.json).not.toContain('inputRequests');
    const allowed = await (await bench({ modern: { command, sampling: true } })).call('ask', {}, over);
    expect(allowed.json).toContain('sampling/createMessage');
  },
);

it('§7.12 the same in what is told of a task', async () => {
  const listened = async (sampling: boolean): Promise<ClientSide['events']> => {
    const { call } = await bench({ modern: { command, sampling } });
    const side = clientSide();
    const head = { method: 'subscriptions/listen', lasting: true };
    const params = { notifications: { taskIds: ['t'] } };
    const ended = call('', {}, { server: 'modern', client, head, side, params });
    await expect
      .poll(() => side.events.some(({ params: told }) => JSON.stringify(told).includes('working')))
      .toBe(true);
    side.leave.abort(new Error('left'));
    await expect(ended).rejects.toThrow('left');
    return side.events;
  };
  expect(JSON.stringify(await listened(false))).not.toContain('inputRequests');
  expect(JSON.stringify(await listened(true))).toContain('inputRequests');
});
