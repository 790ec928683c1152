import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAgent } from '../../src/agent/agent.js';
import { Front, LINKS } from '../e2e/front.js';
import { loggerTo } from '../helpers/logger.js';
import { type TempFolder, tempFolder } from '../helpers/temp.js';
import { type Rig, startRig } from './relay-rig.js';

const ASKING = fileURLToPath(new URL('../helpers/fixtures/asking-server.mjs', import.meta.url));
const requestedSchema = { type: 'object', properties: { word: { type: 'string' } } } as const;

/** A question that has reached the client, which answers when the test says so. */
interface Put {
  readonly message: string;
  readonly answer: (word: string) => void;
}

let front: Front;
let rig: Rig;
let folder: TempFolder;
const leave = new AbortController();
let running: Promise<void>;
const put: Put[] = [];
let wake: () => void = () => undefined;
/** POSTs of the client's that brought an answer. */
let answers = 0;
const client = new Client({ name: 'test', version: '1.0.0' }, { capabilities: { elicitation: {} } });

/** Relay, agent, a server that asks and a client, all real; between agent and relay a line that can be cut. */
beforeAll(async () => {
  front = await Front.open();
  rig = await startRig({ resumeSeconds: 60, heartbeatSeconds: 1, pongSeconds: 1 }, { issuerUrl: front.url });
  front.target = rig.relay.port;
  folder = await tempFolder('asked');
  const agent = createAgent(
    {
      mode: 'agent',
      relay: front.url,
      name: 'laptop',
      servers: {
        asking: { command: [process.execPath, ASKING], env: {}, disabled: false, era: 'legacy' },
      },
      clientFit: true,
      insecure: false,
      profile: 'test',
      stateDir: folder.path,
    },
    {
      logger: loggerTo(),
      browser: false,
      credentials: { accessToken: () => rig.token('user') },
      version: '1.0.0',
    },
  );
  const listed = new Promise<void>((resolve) => {
    rig.registry.onChange('user', () => {
      if (rig.registry.tools('user').tools.length > 0) resolve();
    });
  });
  running = agent.run(leave.signal);
  await Promise.race([listed, running]);
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    return new Promise((resolve) => {
      put.push({ message: params.message, answer: (word) => resolve({ action: 'accept', content: { word } }) });
      wake();
    });
  });
  const token = await rig.token('user', { scope: 'mcp', path: '/mcp' });
  const transport = new StreamableHTTPClientTransport(new URL(`${front.url}/mcp`), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
    fetch: async (url, init) => {
      const response = await fetch(url, init);
      if (String(init?.body).includes('"action"')) {
        answers += 1;
        wake();
      }
      return response;
    },
  });
  await client.connect(transport);
});

afterAll(async () => {
  await client.close();
  leave.abort();
  await running;
  await rig[Symbol.asyncDispose]();
  await front[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => (wake = resolve));
}

function ask(message: string) {
  const args = { method: 'elicitation/create', params: { message, requestedSchema } };
  const params = { name: 'asking__ask', arguments: args };
  return client.callTool(params, undefined, { timeout: 120_000 }).then(({ content }) => JSON.stringify(content));
}

/** @returns where the next question will stand */
const next = () => put.length;

async function callsOfServer(): Promise<number> {
  const { content } = await client.callTool({ name: 'asking__state', arguments: {} });
  return Number(/\\"calls\\":(\d+)/.exec(JSON.stringify(content))?.[1]);
}

test('a question put over one link is answered over another, once', async () => {
  const at = next();
  const before = answers;
  const asked = ask('one');
  await until(() => put.length > at);
  const refused = front.refuse(LINKS);
  front.cut(LINKS);
  await refused;
  put[at]?.answer('between links');
  await until(() => answers > before);
  front.accept();
  expect(await asked).toContain('between links');
  expect(put.slice(at).map(({ message }) => message)).toEqual(['[laptop/asking] one']);
});

test('a line that is cut within a question delays it, and no more', async () => {
  const at = next();
  const message = 'm'.repeat(1024 * 1024);
  const cut = front.cutAfter(LINKS, 400 * 1024);
  const asked = ask(message);
  await cut;
  await until(() => put.length > at);
  // Not by toBe, which would print both.
  expect(put[at]?.message === `[laptop/asking] ${message}`).toBe(true);
  put[at]?.answer('whole');
  expect(await asked).toContain('whole');
  expect(put).toHaveLength(at + 1);
});

test('an answer that was on its way when the network went is said again', async () => {
  const at = next();
  const calls = await callsOfServer();
  const asked = ask('three');
  await until(() => put.length > at);
  // Nobody is told: the relay sends the answer into nothing.
  expect(front.freeze(LINKS)).toBe(1);
  const word = 'w'.repeat(1024 * 1024);
  put[at]?.answer(word);
  expect((await asked).includes(word)).toBe(true);
  expect(put).toHaveLength(at + 1);
  // The one that asked, and the one that counts.
  expect(await callsOfServer()).toBe(calls + 2);
});
