import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { expect } from 'vitest';

const PROTOCOL = '2025-06-18';

/** A tool call with progress as plain HTTP, its answer read line by line as it comes. */
export class EventCall {
  readonly #lines: AsyncIterator<string>;

  private constructor(body: Readable) {
    this.#lines = createInterface({ input: body })[Symbol.asyncIterator]();
  }

  static async start(endpoint: string, token: string, name: string, args: object): Promise<EventCall> {
    const session = await startSession(endpoint, token);
    const params = { name, arguments: args, _meta: { progressToken: 'p' } };
    const response = await post(endpoint, token, { id: 2, method: 'tools/call', params }, session);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    if (response.body === null) throw new Error('no body');
    return new EventCall(Readable.from(response.body));
  }

  /** The next comment. @throws when the stream ends before */
  async comment(): Promise<void> {
    await this.#line((line) => line.startsWith(':'));
  }

  /** The next event's message. @throws when the stream ends before */
  async event(): Promise<unknown> {
    const line = await this.#line((text) => text.startsWith('data: {'));
    return JSON.parse(line.slice('data: '.length));
  }

  async #line(wanted: (line: string) => boolean): Promise<string> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done === true) throw new Error('the stream ended');
      if (wanted(value)) return value;
    }
  }
}

/** @returns the session's headers */
export async function startSession(endpoint: string, token: string): Promise<Record<string, string>> {
  const clientInfo = { name: 'plain', version: '1' };
  const params = { protocolVersion: PROTOCOL, capabilities: {}, clientInfo };
  const response = await post(endpoint, token, { id: 1, method: 'initialize', params });
  await response.text();
  return { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '', 'mcp-protocol-version': PROTOCOL };
}

export function authorized(token: string, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { authorization: `Bearer ${token}`, accept: 'application/json, text/event-stream', ...more };
}

function post(endpoint: string, token: string, message: object, session: Readonly<Record<string, string>> = {}) {
  const headers = authorized(token, { 'content-type': 'application/json', ...session });
  return fetch(endpoint, { method: 'POST', headers, body: JSON.stringify({ jsonrpc: '2.0', ...message }) });
}
