import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { type Rig, startRig } from '../tunnel/relay-rig.js';
import { McpClient } from './mcp-client.js';

/** Many requests on one connection. */

let rig: Rig;
afterEach(async () => {
  await rig[Symbol.asyncDispose]();
});

function request(path: string, more = '', method = 'POST'): string {
  const host = `Host: localhost:${rig.relay.port}\r\n`;
  return `${method} ${path} HTTP/1.1\r\n${host}Content-Type: application/json\r\n${more}Content-Length: 2\r\n\r\n{}`;
}

/** Sends these requests in one pipeline. @returns heads and bodies of all answers until the relay has closed */
async function pipelined(requests: readonly string[]): Promise<readonly string[]> {
  const socket = connectTcp(rig.relay.port, '127.0.0.1');
  // What is sent after the end may be answered by a reset.
  socket.on('error', () => undefined);
  socket.write(requests.join(''));
  const all = await text(socket);
  return all.split(/(?=HTTP\/1\.1 \d{3} )/);
}

const times = (count: number, one: string) => Array.from({ length: count }, () => one);

describe('refusals on one connection', () => {
  test.each([
    ['without a token', () => request('/mcp'), 401],
    ['with a token that is none', () => request('/mcp', 'Authorization: Bearer x\r\n'), 401],
    ['of a GET stream', () => request('/mcp/laptop', '', 'GET'), 401],
    ['at a path that is not there', () => request('/nowhere'), 404],
  ])('%s: so many, and then it is closed', async (_what, one, status) => {
    rig = await startRig({ refusalsPerConnection: 3 });
    const answers = await pipelined(times(50, one()));
    expect(answers.map((answer) => answer.slice(9, 12))).toEqual(times(3, String(status)));
    expect(answers.map((answer) => /\r\nConnection: close\r\n/i.test(answer))).toEqual([false, false, true]);
  });

  test('a client that asks once more on a new connection is answered', async () => {
    rig = await startRig({ refusalsPerConnection: 1 });
    for (let count = 0; count < 5; count += 1) {
      const [answer] = await pipelined([request('/mcp')]);
      expect(answer).toMatch(/^HTTP\/1\.1 401 /);
      expect(answer).toMatch(/\r\nWWW-Authenticate: Bearer resource_metadata="/);
    }
  });

  test('requests that are answered do not count', async () => {
    rig = await startRig({ refusalsPerConnection: 2 });
    const socket = connectTcp(rig.relay.port, '127.0.0.1');
    for (let count = 0; count < 6; count += 1) {
      socket.write(request('/healthz', '', 'GET'));
      const [answer] = await once(socket, 'data');
      expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /);
    }
    socket.destroy();
  });

  test('others at the same address go on', async () => {
    rig = await startRig({ refusalsPerConnection: 1 });
    const client = await McpClient.of(rig, 'user', 'honest');
    await Promise.all(times(20, request('/mcp')).map((one) => pipelined([one])));
    expect((await client.post({ jsonrpc: '2.0', id: 1, method: 'ping' })).status).toBe(200);
  });
});

test('a 401 is the same by the short way and by the long one', async () => {
  rig = await startRig({ refusalsPerConnection: 1 });
  const origin = `Origin: http://localhost:${rig.relay.port}\r\n`;
  const [short, long] = await Promise.all([
    pipelined([request('/mcp/laptop', `${origin}Authorization: Bearer a b\r\n`)]),
    // Nobody has seen this token yet.
    pipelined([request('/mcp/laptop', `${origin}Authorization: Bearer abc\r\n`)]),
  ]);
  const lines = (answers: readonly string[]) =>
    answers
      .join('')
      .split('\r\n')
      .filter((line) => !/^(?:Date|ETag):/i.test(line))
      .sort();
  expect(lines(short)).toEqual(lines(long));
});
