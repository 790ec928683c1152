import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { obtainTokens } from '../helpers/clients.js';
import { System } from '../helpers/system.js';

const CALLS_OF_EACH = 25_000;
/** So many go one by one, the rest in batches, which make the same calls for far less HTTP. */
const SINGLE = 4_000;
const BATCH = 50;
/** Requests of one client at once. */
const AT_ONCE = 16;
/** Every so many requests ask for progress, whose token is the call's id. */
const PROGRESS_EVERY = 5;
/** The one revision with batches. */
const VERSION = '2025-03-26';

let system: System;
const agent = new Agent({ keepAlive: true, maxSockets: 2 * AT_ONCE });

beforeAll(async () => {
  const path = fileURLToPath(new URL('fixtures/marking-server.mjs', import.meta.url));
  const command = [process.execPath, path];
  system = await System.start({
    limits: { requestsPerMinute: 1_000_000, callsPerDevice: 4_000, callsPerClient: 2_000 },
  });
  await system.agent({ servers: { marking: { command } } });
});

afterAll(async () => {
  agent.destroy();
  await system?.[Symbol.asyncDispose]();
});

/** One OAuth client with a session, over raw HTTP: nothing would mend what is not its own. */
class RawClient {
  #headers: Record<string, string> = {};

  private constructor(private readonly name: string) {}

  static async connect(name: string): Promise<RawClient> {
    const client = new RawClient(name);
    const { access_token } = await obtainTokens(system.endpoint, (url) => system.signIn(url));
    client.#headers = { authorization: `Bearer ${access_token}`, 'mcp-protocol-version': VERSION };
    const clientInfo = { name, version: '1' };
    const params = { protocolVersion: VERSION, capabilities: {}, clientInfo };
    const { session } = await client.#post({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
    client.#headers['mcp-session-id'] = session;
    await client.#post({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return client;
  }

  /** Makes the calls 1, 2, 3, … @returns what came back that was not these very calls' own */
  async run(): Promise<string[]> {
    const wrong: string[] = [];
    let next = 1;
    const work = async () => {
      while (next <= CALLS_OF_EACH) {
        const ids = Array.from({ length: next <= SINGLE ? 1 : BATCH }, (_none, index) => next + index);
        next += ids.length;
        wrong.push(...(await this.#call(ids)));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return wrong;
  }

  async #call(ids: readonly number[]): Promise<string[]> {
    const [first = 0] = ids;
    const asked = Math.floor(first / ids.length) % PROGRESS_EVERY === 0;
    const calls = ids.map((id) => {
      const _meta = asked ? { _meta: { progressToken: id } } : {};
      const params = { name: 'marking__mark', arguments: { marker: `${this.name}-${id}` }, ..._meta };
      return { jsonrpc: '2.0', id, method: 'tools/call', params };
    });
    const { body } = await this.#post(ids.length === 1 ? calls[0] : calls);
    const expected = ids.flatMap((id) => this.#expected(id, asked)).sort();
    const seen = messages(body).sort();
    return isDeepStrictEqual(seen, expected) ? [] : [`${this.name} ${first}: ${body.slice(0, 300)}`];
  }

  /** What comes back for one call, as JSON. */
  #expected(id: number, asked: boolean): string[] {
    const marker = `${this.name}-${id}`;
    const params = { progressToken: id, progress: 1, message: marker };
    const progress = { jsonrpc: '2.0', method: 'notifications/progress', params };
    const answer = { jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: marker }] } };
    return (asked ? [progress, answer] : [answer]).map(inOrder);
  }

  async #post(message: object | undefined): Promise<{ session: string; body: string }> {
    const body = JSON.stringify(message);
    const sent = request(system.endpoint, {
      agent,
      method: 'POST',
      headers: {
        ...this.#headers,
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      },
    });
    const answered = new Promise<{ session: string; body: string }>((resolve, reject) => {
      sent.on('error', reject);
      sent.on('response', (response) => {
        const session = response.headers['mcp-session-id'];
        text(response).then(
          (got) => resolve({ session: typeof session === 'string' ? session : '', body: got }),
          reject,
        );
      });
    });
    sent.end(body);
    return answered;
  }
}

/** Each message of a body, be it JSON, an array or an event stream, as JSON whose keys are in order. */
function messages(body: string): string[] {
  const streamed = body
    .split('\n')
    .flatMap((line) => (line.startsWith('data: {') || line.startsWith('data: [') ? [line.slice(6)] : []));
  const parts: unknown[] = (streamed.length > 0 ? streamed : [body]).map((part) => JSON.parse(part));
  return parts.flat().map(inOrder);
}

function inOrder(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

test('§7.4 §7.13 two clients of one server, with equal ids and progress tokens, see only their own of 50,000 calls', async () => {
  const clients = [await RawClient.connect('one'), await RawClient.connect('two')];
  const wrong = await Promise.all(clients.map((client) => client.run()));
  expect(wrong.flat().slice(0, 5)).toEqual([]);
}, 180_000);
