import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeCall } from '../../src/protocol/call-messages.js';
import { FrameType } from '../../src/protocol/frames.js';
import { connect, type FakeAgent } from './fake-agent.js';
import { type Rig, startRig } from './relay-rig.js';

/** The assembled relay from end to end: HTTP in, frames out, and back. */
describe('through the relay', () => {
  let rig: Rig;
  let agent: FakeAgent;
  let headers: Record<string, string>;

  beforeAll(async () => {
    rig = await startRig();
    ({ agent } = await connect(rig, 'user'));
    agent.catalog('shell', ['run']);
    await agent.settled();
    const token = await rig.token('user', { scope: 'mcp', path: '/mcp' });
    headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    };
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } };
    const answer = await post({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
    expect(answer.status).toBe(200);
    headers['mcp-session-id'] = answer.headers.get('mcp-session-id') ?? '';
    headers['mcp-protocol-version'] = '2025-11-25';
    await post({ jsonrpc: '2.0', method: 'notifications/initialized' });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  function post(body: object): Promise<Response> {
    return fetch(`${rig.origin}/mcp`, { method: 'POST', headers, body: JSON.stringify(body) });
  }

  function call(id: number): Promise<Response> {
    return post({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'shell__run', arguments: { a: 1 } } });
  }

  test('a tool is listed and called', async () => {
    const list = await (await post({ jsonrpc: '2.0', id: 1, method: 'tools/list' })).text();
    expect(list).toContain('"shell__run"');
    const answered = call(2);
    const frame = await agent.next(FrameType.call);
    const { head, params } = decodeCall(frame.body);
    expect(head).toMatchObject({ server: 'shell', method: 'tools/call' });
    expect(JSON.parse(params.toString())).toMatchObject({ name: 'run', arguments: { a: 1 } });
    agent.send(FrameType.result, frame.id, '{"content":[{"type":"text","text":"hello"}],"x-kept":1}');
    const answer = await answered;
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('"result":{"content":[{"type":"text","text":"hello"}],"x-kept":1}');
  });

  test('a result of many windows passes, on credit alone', async () => {
    const text = 'z'.repeat(5 * 1024 * 1024);
    const result = Buffer.from(JSON.stringify({ content: [{ type: 'text', text }] }));
    const answered = call(3).then((response) => response.text());
    const { id } = await agent.next(FrameType.call);
    await agent.onCredit(FrameType.result, id, result);
    expect((await answered).includes(text)).toBe(true);
  });

  describe('a result that the relay does not look into', () => {
    const NOT_JSON = '{"content":[}\u0000 }} \\u "\ud83d\ude00';
    /** A request of the stateless revision, and where it goes. */
    function modern(path: string, name: string): Promise<Response> {
      const _meta = {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
      };
      return fetch(rig.origin + path, {
        method: 'POST',
        headers: {
          authorization: headers.authorization ?? '',
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': 'tools/call',
          'mcp-name': name,
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 9, method: 'tools/call', params: { name, arguments: {}, _meta } }),
      });
    }

    test.each([
      ['a legacy client', () => call(9)],
      ['a modern client', () => modern('/mcp', 'shell__run')],
      ['a modern client, at one server', () => modern('/mcp/laptop/shell', 'run')],
    ])('reaches the socket of %s as the agent sent it, though it is no JSON', async (_who, send) => {
      const answered = send().then((response) => response.text());
      const { id } = await agent.next(FrameType.call);
      const half = NOT_JSON.length / 2;
      agent.send(FrameType.result, id, NOT_JSON.slice(0, half), true);
      agent.send(FrameType.result, id, NOT_JSON.slice(half));
      expect(await answered).toContain(`"id":9,"result":${NOT_JSON}}`);
    });

    test.each(['\n', '\r'])('and a piece with %j in it ends the call instead', async (end) => {
      const answered = call(10).then((response) => response.text());
      const { id } = await agent.next(FrameType.call);
      agent.send(FrameType.event, id, '{"jsonrpc":"2.0","method":"notifications/message","params":{}}');
      agent.send(FrameType.result, id, `{"content":[]}${end}data: {"jsonrpc":"2.0","id":10,"result":{}}`);
      const text = await answered;
      expect(text).toContain('sent an answer the relay cannot use (a line break)');
      expect(text).not.toContain('"result":{}');
      await agent.next(FrameType.cancel, id);
    });
  });

  test("an agent's token does not open /mcp", async () => {
    const authorization = `Bearer ${await rig.token('user')}`;
    const answer = await fetch(`${rig.origin}/mcp`, {
      method: 'POST',
      headers: { ...headers, authorization },
      body: '{}',
    });
    expect(answer.status).toBe(401);
  });

  test('an agent that leaves fails the call at once, with words', async () => {
    const answered = call(4).then((response) => response.text());
    await agent.next(FrameType.call);
    agent.send(FrameType.goodbye, '0'.repeat(32), '');
    expect(await answered).toMatch(
      /The agent on laptop was stopped at \d\d:\d\d UTC\. The call may or may not have run/,
    );
  });

  test('an open event stream ends in good order with the relay, and holds it up no longer', async () => {
    const stream = await fetch(`${rig.origin}/mcp`, { headers: { ...headers, accept: 'text/event-stream' } });
    expect(stream.status).toBe(200);
    const ended = stream.text();
    await rig.relay.close();
    // A connection that is cut rejects here.
    await ended;
    expect(rig.log.filter((line) => line.includes('took too long') || line.startsWith('error'))).toEqual([]);
  });
});
