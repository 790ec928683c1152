import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { System } from '../helpers/system.js';

const ERAS = ['legacy', 'modern'] as const;
type Era = (typeof ERAS)[number];

const fixture = (era: Era) => fileURLToPath(new URL(`../fixtures/everything-${era}.mjs`, import.meta.url));
const children: ChildProcess[] = [];
const direct = new Map<Era, string>();
let system: System;

beforeAll(async () => {
  system = await System.start();
  const servers: Record<string, object> = {};
  for (const era of ERAS) {
    const child = spawn(process.execPath, [fixture(era), '--http'], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    const [url] = await once(createInterface({ input: child.stdout }), 'line');
    direct.set(era, String(url));
    servers[`${era}-http`] = { url };
    servers[`${era}-stdio`] = { command: [process.execPath, fixture(era), '--stdio'] };
  }
  await system.agent({ servers });
}, 120_000);

afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  for (const child of children) child.kill();
});

/** One client over raw HTTP, without anything an SDK would add or leave out. */
class Raw {
  #session: Record<string, string> = {};

  private constructor(
    private readonly url: string,
    private readonly era: Era,
    private readonly token: string,
  ) {}

  static async open(url: string, era: Era, token: string): Promise<Raw> {
    const raw = new Raw(url, era, token);
    if (era === 'modern') return raw;
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } };
    const { session } = await raw.#post({ id: 0, method: 'initialize', params });
    raw.#session = { 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' };
    await raw.#post({ method: 'notifications/initialized' });
    return raw;
  }

  /** Result or error as text: every field, in the server's order. */
  async answer(method: string, params: Record<string, unknown>): Promise<string> {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const whole = this.era === 'modern' ? { ...params, _meta } : params;
    const { body } = await this.#post({ id: 1, method, params: whole });
    const { result, error } = JSON.parse(body.replace(/^[\s\S]*\ndata: (?=\{)/, ''));
    return JSON.stringify({ result, error });
  }

  async #post(message: { method: string; params?: Record<string, unknown>; id?: number }) {
    const { method, params } = message;
    const name = params?.name ?? params?.uri;
    const mirrored = {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
    };
    const response = await fetch(this.url, {
      method: 'POST',
      headers: {
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${this.token}`,
        'content-type': 'application/json',
        ...(this.era === 'modern' ? mirrored : this.#session),
      },
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    });
    return { session: response.headers.get('mcp-session-id') ?? '', body: await response.text() };
  }
}

const call = (name: string, args: object = {}): [string, Record<string, unknown>] => [
  'tools/call',
  { name, arguments: args },
];

const REQUESTS: readonly [string, Record<string, unknown>][] = [
  ['tools/list', {}],
  ...[
    'test_simple_text',
    'test_image_content',
    'test_audio_content',
    'test_embedded_resource',
    'test_multiple_content_types',
    'resource_link',
    'test_error_handling',
    'no_such_tool',
  ].map((name) => call(name)),
  call('add', { a: 1, b: 2.5 }),
  call('echo', { marker: 'é"\\\t\u2028漢😀 </script>' }),
  ['prompts/list', {}],
  ['prompts/list', { cursor: '' }],
  ['prompts/list', { cursor: 'the third' }],
  ['prompts/list', { cursor: 'forged' }],
  ['prompts/get', { name: 'test_prompt_with_arguments', arguments: { arg1: '1', arg2: '2' } }],
  ['prompts/get', { name: 'test_prompt_with_image' }],
  ['prompts/get', { name: 'none' }],
  ['resources/list', {}],
  ['resources/templates/list', {}],
  ['resources/read', { uri: 'test://static-binary' }],
  ['resources/read', { uri: 'test://none' }],
  [
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'test_prompt_with_arguments' }, argument: { name: 'arg1', value: 'pa' } },
  ],
  ['fixture/echo', { value: { 'x-own': [1, 0.1, 1e21, null, true], '': 'empty' } }],
  ['fixture/unknown', {}],
];

describe.each(ERAS)('§7.1 a %s client of a server of its era', (era) => {
  describe.each(['stdio', 'http'])('over %s', (transport) => {
    let through: Raw;
    let beside: Raw;

    beforeAll(async () => {
      const url = `${system.endpoint}/laptop/${era}-${transport}`;
      through = await Raw.open(url, era, await system.token());
      beside = await Raw.open(direct.get(era) ?? '', era, '');
    });

    test.each(REQUESTS)('%s %j is answered as directly, field by field', async (method, params) => {
      expect(await through.answer(method, params)).toBe(await beside.answer(method, params));
    });
  });
});
