import { expect, it } from 'vitest';
import { capable, ModernClient } from './modern-client.js';
import { replyIn, replyOf, SseReader } from './raw-client.js';
import { relayOfEachTest } from './relay-of-each-test.js';
import { exposedPrompt, exposedResource } from './test-devices.js';
import type { TestRelay } from './test-relay.js';

const TASKS = capable({ extensions: { 'io.modelcontextprotocol/tasks': {} } });

let relay: TestRelay;
let other: ModernClient;
relayOfEachTest(async (started) => {
  relay = started;
  relay.devices.setPrompts('u1', [exposedPrompt('u1', 'greet')]);
  relay.devices.setResources('u1', [exposedResource('u1', 'a:b')]);
  other = await ModernClient.of(relay, '', { user: 'u2', client: 'c1' });
});

it.each([
  ['tools/call', { name: 'shell__execute' }],
  ['prompts/get', { name: 'shell__greet' }],
  ['resources/read', { uri: 'laptop.shell+a:b' }],
  ['completion/complete', { ref: { type: 'ref/resource', uri: 'laptop.shell+a:b' } }],
  ['tasks/get', { taskId: 'laptop.shell+t' }],
])('another user’s %s leads nowhere (§7.4)', async (method, params) => {
  const response = await other.request('i', method, params, { meta: TASKS });
  expect(response.status).toBe(200);
  expect((await replyOf(response)).error.code).toBe(-32602);
});

it.each(['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'])(
  '%s shows nothing of another user’s (§7.4)',
  async (method) => {
    const text = await (await other.request(1, method)).text();
    expect(text).not.toMatch(/shell|laptop|greet|a:b/);
  },
);

it('another user’s device and server are as if they were not there (§7.4)', async () => {
  for (const at of ['/laptop', '/laptop/shell', '/nowhere']) {
    const client = await ModernClient.of(relay, at, { user: 'u2' });
    const response = await client.request(1, 'server/discover');
    expect(response.status).toBe(404);
    const { message } = (await replyOf(response)).error;
    expect(message.replace(at, '')).toBe(
      'There is nothing at /mcp. You have: /mcp/phone, /mcp/phone/shell. A device is there while its agent runs: npx -y mcp-local-tunnel agent',
    );
  }
});

it('another user’s resources, tasks and lists are not listened to (§7.4)', async () => {
  const notifications = {
    toolsListChanged: true,
    resourceSubscriptions: ['laptop.shell+a:b'],
    taskIds: ['laptop.shell+t'],
  };
  const reader = new SseReader(await other.request(1, 'subscriptions/listen', { notifications }, { meta: TASKS }));
  const acknowledged = replyIn(await reader.next());
  expect(acknowledged).toMatchObject({ params: { notifications: { toolsListChanged: true } } });
  expect(JSON.stringify(acknowledged)).not.toContain('laptop');
  relay.devices.setTools('u1', []);
  await relay.draining.end();
  expect(await reader.rest()).toHaveLength(2);
});

it('a token for one endpoint opens no wider one', async () => {
  const narrow = { path: '/laptop/shell' };
  expect((await (await ModernClient.of(relay, '', narrow)).request(1, 'tools/list')).status).toBe(401);
  expect((await (await ModernClient.of(relay, '/laptop', narrow)).request(1, 'tools/list')).status).toBe(401);
  const own = await ModernClient.of(relay, '/laptop/shell', narrow);
  expect((await own.request(1, 'server/discover')).status).toBe(200);
});
