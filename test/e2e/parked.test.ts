import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { obtainTokens } from '../helpers/clients.js';
import type { Program } from '../helpers/program.js';
import { type Machine, System } from '../helpers/system.js';
import { capable, envelope, headersOf } from '../mcp/modern-client.js';

interface Reply {
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: number; readonly message: string };
}

const ANN = { action: 'accept', content: { name: 'Ann' } };
const INVALID = { error: { code: -32602, message: 'Invalid or expired requestState' } };

let system: System;
let machine: Machine;
let agent: Program;
let log = '';

beforeAll(async () => {
  system = await System.start();
  log = join(system.path, 'deeds');
  const server = (name: string) => {
    const path = fileURLToPath(new URL(`../agent/calls/${name}-server.mjs`, import.meta.url));
    return { command: [process.execPath, path, log], era: name };
  };
  ({ machine, agent } = await system.agent({ servers: { legacy: server('legacy'), modern: server('modern') } }));
});

afterAll(() => system?.[Symbol.asyncDispose]());

/** A modern client's call: JSON or the last event of a stream. */
async function call(at: string, name: string, args: object, more: object = {}, token?: string): Promise<Reply> {
  const params = { name, arguments: args, ...more, _meta: envelope(capable({ elicitation: { form: {} } })) };
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params };
  const headers = {
    authorization: `Bearer ${token ?? (await system.token())}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...headersOf(message),
  };
  const response = await fetch(`${system.endpoint}${at}`, { method: 'POST', headers, body: JSON.stringify(message) });
  const text = await response.text();
  const json = text.startsWith('{')
    ? text
    : (text
        .match(/^data: ?(\{.*)$/gm)
        ?.at(-1)
        ?.replace(/^data: ?/, '') ?? '{}');
  return JSON.parse(json);
}

/** How often a tool with this message began and ended. */
async function times(message: string): Promise<{ began: number; ended: number }> {
  const deeds = (await readFile(log, 'utf8')).split('\n').map((line) => (line === '' ? {} : JSON.parse(line)));
  const count = (key: string) => deeds.filter((deed) => deed[key] === message).length;
  return { began: count('began'), ended: count('ended') };
}

const retry = ({ result }: Reply, inputResponses: object) => ({ requestState: result?.requestState, inputResponses });

async function restartRelay(): Promise<void> {
  const { here } = agent;
  system.relay.kill('SIGKILL');
  await system.relay.ended;
  await system.startRelay();
  await agent.line(/online at .*/, here);
}

test.each([
  ['/laptop/legacy', 'ask'],
  ['', 'legacy__ask'],
])('§7.8 §7.11 a call that waits outlives the relay, and runs once (/mcp%s)', async (at, name) => {
  const args = { message: `relay${at}` };
  const asking = await call(at, name, args);
  expect(asking.result).toMatchObject({ resultType: 'input_required' });
  await restartRelay();
  const ended = await call(at, name, args, retry(asking, { q1: ANN }));
  expect(JSON.stringify(ended.result)).toContain('Ann');
  expect(await times(args.message)).toEqual({ began: 1, ended: 1 });
  expect(await call(at, name, args, retry(asking, { q1: ANN }))).toMatchObject(INVALID);
  expect(await times(args.message)).toEqual({ began: 1, ended: 1 });
});

test('§7.16 a modern server’s questions and state pass, also when the relay ended between', async () => {
  const first = await call('/laptop/modern', 'ask-on', {});
  expect(first.result).toMatchObject({ requestState: '1', inputRequests: { a: { method: 'elicitation/create' } } });
  await restartRelay();
  const second = await call('/laptop/modern', 'ask-on', {}, retry(first, { a: ANN }));
  expect(second.result).toMatchObject({ requestState: '2' });
});

test('§7.4 §7.9 the state of one user’s or one client’s call is of no use to another', async () => {
  const args = { message: 'mine' };
  const asking = await call('/laptop/legacy', 'ask', args);
  const again = retry(asking, { q1: ANN });
  const { access_token } = await obtainTokens(system.endpoint, (url) => system.signIn(url));
  expect(await call('/laptop/legacy', 'ask', args, again, access_token)).toMatchObject(INVALID);
  const bob = await call('/laptop/legacy', 'ask', args, again, await system.token('bob'));
  expect(bob.result).toMatchObject({ isError: true });
  expect(await times('mine')).toEqual({ began: 1, ended: 0 });
  expect((await call('/laptop/legacy', 'ask', args, again)).result).toMatchObject({ resultType: 'complete' });
});

test('§7.11 a call that the agent lost is said to be lost, and not run again', async () => {
  const args = { message: 'agent' };
  const asking = await call('/laptop/legacy', 'ask', args);
  await agent.stop();
  agent = await machine.up();
  const lost = await call('/laptop/legacy', 'ask', args, retry(asking, { q1: ANN }));
  expect(lost.result).toMatchObject({ isError: true, resultType: 'complete' });
  expect(JSON.stringify(lost.result)).toContain('call the tool again');
  // The agent that stopped may have taken the question back in time for the server to end its work.
  expect(await times('agent')).toMatchObject({ began: 1 });
});
