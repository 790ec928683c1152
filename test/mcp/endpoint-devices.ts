import type { DeviceView, ServerView } from '../../src/relay/devices/types.js';
import { exposed, laptop, serverView, type TestDevices } from './test-devices.js';

export const EXECUTE = {
  name: 'execute.now',
  title: 'Run',
  inputSchema: { type: 'object', properties: { x: { 'x-mcp-header': 'X' } }, anyOf: [{}] },
  outputSchema: { type: 'array' },
  icons: [{ src: 'http://localhost/i.png' }],
  _meta: { ui: { resourceUri: 'ui://shell/x' } },
  'vendor/new': [1, null, { deep: true }],
};
export const EXPERIMENTAL = { 'acme/thing': { on: true } };

/** A server with one of everything, unknown fields included. */
export const shell: ServerView = serverView('shell', {
  status: 'ready',
  era: 'legacy',
  protocolVersion: '2025-06-18',
  serverInfo: { name: 'shell-server', version: '9.9.9', title: 'Shell', 'x-more': [1] },
  instructions: 'Use with care.\n# Really',
  capabilities: {
    tools: { listChanged: false, more: 1 },
    prompts: { listChanged: true },
    resources: { subscribe: true, listChanged: true, more: 2 },
    completions: {},
    logging: {},
    experimental: EXPERIMENTAL,
    extensions: { 'io.modelcontextprotocol/ui': {}, 'io.modelcontextprotocol/tasks': {} },
    tasks: { list: {} },
    sampling: {},
    strange: {},
  },
  tools: [
    { ...EXECUTE, execution: { taskSupport: 'required' } },
    { name: 'status', inputSchema: { type: 'object' } },
  ],
});
const plain: ServerView = serverView('plain', {
  status: 'ready',
  era: 'legacy',
  serverInfo: { name: 'p', version: '1' },
  capabilities: {},
});
const broken: ServerView = serverView('broken', { reason: 'not_found' });

/** `desk` with a `shell` without tools, and `laptop` with all three servers. */
export function devicesOfU1(more: Partial<DeviceView> = {}): DeviceView[] {
  const desk = laptop({ id: 'device-2', name: 'desk', servers: [{ ...shell, tools: [] }] });
  return [desk, laptop({ servers: [shell, plain, broken], ...more })];
}

/** `u1` has a tool on each device, `u2` another device. */
export function fill(devices: TestDevices): void {
  const onDesk = exposed('u1', 'lock');
  devices.setTools('u1', [
    exposed('u1', 'execute'),
    { ...onDesk, deviceName: 'desk', target: { ...onDesk.target, deviceId: 'device-2' } },
  ]);
  devices.setViews('u1', devicesOfU1());
  devices.setViews('u2', [laptop({ id: 'device-3', name: 'phone' })]);
}
