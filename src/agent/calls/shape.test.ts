import { describe, expect, it } from 'vitest';
import type { CallClient, CallHead } from '../../protocol/call-messages.js';
import type { ShapeSource } from './shape/rules.js';
import { shapeResult } from './shape.js';

const KEY = 'laptop.files';
const LEGACY: ShapeSource = { era: 'legacy' };
const MODERN: ShapeSource = { era: 'modern' };
const MODERN_VERSION = '2026-07-28';

const head = (client: Partial<CallClient>, method = 'tools/call'): CallHead => ({
  server: 's',
  method,
  client: {
    era: client.protocolVersion === MODERN_VERSION ? 'modern' : 'legacy',
    protocolVersion: '2025-11-25',
    endpoint: client.uriKey === undefined ? 'server' : 'aggregate',
    id: 'c',
    capabilities: {},
    ask: 'none',
    session: 's1',
    ...client,
  },
});
const modern = (method?: string, more: Partial<CallClient> = {}) =>
  head({ protocolVersion: MODERN_VERSION, ...more }, method);
const shape = (call: CallHead, result: unknown, about: ShapeSource): unknown =>
  JSON.parse(shapeResult(call, Buffer.from(JSON.stringify(result)), about).toString());

/** Not a copy. */
const sameBytes = (a: Buffer, b: Buffer): boolean =>
  a.buffer === b.buffer && a.byteOffset === b.byteOffset && a.length === b.length;

const AUDIO = { type: 'audio', data: 'AA==', mimeType: 'audio/wav' };
const LINK = { type: 'resource_link', uri: 'file:///a', name: 'a', icons: [{ src: 'https://x/i.png' }] };
const EMBEDDED = { type: 'resource', resource: { uri: 'file:///b', text: 'b' } };
const TEXT = { type: 'text', text: 'hi' };

describe('bytes', () => {
  const odd =
    '{ "content" : [ {"type":"hologram"}, {"type":"resource_link","uri":"a:b"} ], "n": 12345678901234567890 }';
  it.each([
    ['a legacy client at its server', head({}), LEGACY],
    ['a modern client at its server', modern(), MODERN],
    ['a legacy client, another method', head({ protocolVersion: '2024-11-05' }, 'acme/x'), LEGACY],
  ])('are those of the server: %s', (_name, call, about) => {
    const bytes = Buffer.from(odd);
    const shaped = shapeResult(call, bytes, about);
    expect(sameBytes(shaped, bytes)).toBe(true);
    expect(shaped.toString()).toBe(odd);
  });

  it('are the very buffer where no URI stands in it', () => {
    const bytes = Buffer.from('{"content":[{"type":"text","text":"file:///a"}],"n":1e400}');
    expect(sameBytes(shapeResult(head({ uriKey: KEY }), bytes, LEGACY), bytes)).toBe(true);
  });

  it('stay around what is changed, integers over 2^53 and unknown members too', () => {
    const bytes = Buffer.from(
      '{"n": 12345678901234567890, "content":[{"type":"resource_link", "uri":"a:b" , "x":1e400}]}',
    );
    expect(shapeResult(modern('tools/call', { uriKey: KEY }), bytes, LEGACY).toString()).toBe(
      `{"resultType":"complete","n": 12345678901234567890, "content":[{"type":"resource_link", "uri":"${KEY}+a:b" , "x":1e400}]}`,
    );
  });

  it('that are no JSON object are let through', () => {
    for (const text of ['null', '[1]', '"x"', '<html>', '{"a":', '']) {
      for (const about of [LEGACY, MODERN]) {
        for (const call of [head({ protocolVersion: '2024-11-05', uriKey: KEY }), modern('tools/list')]) {
          const shaped = shapeResult(call, Buffer.from(text), about).toString();
          if (!text.startsWith('{')) expect(shaped).toBe(text);
        }
      }
    }
  });
});

describe('a modern client, a legacy server', () => {
  it.each([
    ['tools/call', '{}', '{"resultType":"complete"}'],
    ['completion/complete', ' { } ', ' {"resultType":"complete" } '],
    ['tools/call', '{"content":[]}', '{"resultType":"complete","content":[]}'],
    ['tools/list', '{"tools":[]}', '{"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[]}'],
    ['resources/read', '{"contents":[]}', '{"resultType":"complete","ttlMs":0,"cacheScope":"private","contents":[]}'],
    ['tools/call', '{"resultType":"complete","content":[]}', '{"resultType":"complete","content":[]}'],
    ['tools/call', '{"content":["\\"resultType\\""]}', '{"resultType":"complete","content":["\\"resultType\\""]}'],
    ['prompts/list', '{"ttlMs":5,"cacheScope":"public"}', '{"resultType":"complete","ttlMs":5,"cacheScope":"private"}'],
  ])('%s %s', (method, result, expected) => {
    expect(shapeResult(modern(method), Buffer.from(result), LEGACY).toString()).toBe(expected);
  });

  it('gets the server info where it is given, beside other _meta', () => {
    const about = { era: 'legacy', serverInfo: { name: 'a:b', version: '1' } } as const;
    const info = { 'io.modelcontextprotocol/serverInfo': about.serverInfo };
    expect(shape(modern(), {}, about)).toEqual({ resultType: 'complete', _meta: info });
    expect(shape(modern('tools/call', { uriKey: KEY }), {}, about)).toEqual({ resultType: 'complete' });
    expect(shape(modern(), { _meta: {} }, about)).toEqual({ resultType: 'complete', _meta: info });
    expect(shape(modern(), { _meta: { x: 1 }, content: [] }, about)).toEqual({
      resultType: 'complete',
      _meta: { x: 1, ...info },
      content: [],
    });
  });

  it('is not told how tools take the tasks of 2025-11-25', () => {
    const tools = [{ name: 'a', execution: { taskSupport: 'required' }, inputSchema: { type: 'object' } }];
    expect(shape(modern('tools/list'), { tools }, LEGACY)).toEqual({
      resultType: 'complete',
      ttlMs: 0,
      cacheScope: 'private',
      tools: [{ name: 'a', inputSchema: { type: 'object' } }],
    });
  });
});

it('tells a modern client that what a modern server gave is its own', () => {
  const bytes = Buffer.from(
    '{"resultType":"complete", "ttlMs":5, "cacheScope" : "public","tools":[{"x-mcp-header":1}]}',
  );
  expect(shapeResult(modern('tools/list'), bytes, MODERN).toString()).toBe(
    '{"resultType":"complete", "ttlMs":5, "cacheScope" : "private","tools":[{"x-mcp-header":1}]}',
  );
});

describe('a legacy client, a modern server', () => {
  it.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])('%s gets no field of the modern era', (version) => {
    const meta = { 'io.modelcontextprotocol/serverInfo': { name: 'x', version: '1' } };
    const call = (method: string) => head({ protocolVersion: version }, method);
    expect(shape(call('x/empty'), { resultType: 'complete', _meta: meta }, MODERN)).toEqual({});
    expect(shape(call('x/empty'), { resultType: 'complete', _meta: {} }, MODERN)).toEqual({ _meta: {} });
    expect(
      shape(call('resources/list'), { resultType: 'complete', ttlMs: 1, cacheScope: 'public', resources: [] }, MODERN),
    ).toEqual({ resources: [] });
    expect(
      shape(call('tools/call'), { resultType: 'complete', _meta: { ...meta, own: 1 }, content: [TEXT] }, MODERN),
    ).toEqual({ _meta: { own: 1 }, content: [TEXT] });
  });

  it('keeps what a method of the server’s own returns under these names', () => {
    const lease = { ttlMs: 5, cacheScope: 'disk' };
    expect(shape(head({}, 'acme/lease'), { ...lease, resultType: 'complete' }, MODERN)).toEqual(lease);
    expect(shape(head({}, 'completion/complete'), { ...lease, resultType: 'complete' }, MODERN)).toEqual({});
  });

  it('reads structured content that is no object as text, once', () => {
    const call = head({});
    expect(shape(call, { structuredContent: [1], content: [] }, MODERN)).toEqual({
      content: [{ type: 'text', text: '[1]' }],
    });
    expect(shape(call, { structuredContent: 5 }, MODERN)).toEqual({ content: [{ type: 'text', text: '5' }] });
    expect(shape(call, { content: [LINK], structuredContent: 'x' }, MODERN)).toEqual({
      content: [LINK, { type: 'text', text: '"x"' }],
    });
    expect(shape(call, { content: [TEXT], structuredContent: [1] }, MODERN)).toEqual({ content: [TEXT] });
    expect(shape(call, { content: [TEXT], structuredContent: { a: 1 } }, MODERN)).toEqual({
      content: [TEXT],
      structuredContent: { a: 1 },
    });
  });

  it('is told of types it does not know', () => {
    expect(shape(head({}), { content: [{ type: 'hologram', data: '' }, AUDIO] }, MODERN)).toEqual({
      content: [{ type: 'text', text: "[hologram: this client's MCP revision cannot show it]" }, AUDIO],
    });
  });

  it('lists tools whose schemas are objects', () => {
    const tools = [
      {
        name: 'a',
        inputSchema: { properties: { any: true, none: false, s: { type: 'string' } }, allOf: [] },
        outputSchema: { type: 'array' },
      },
      { name: 'b', inputSchema: { type: 'object' }, outputSchema: { type: 'object', properties: { t: true } } },
    ];
    expect(shape(head({}, 'tools/list'), { resultType: 'complete', tools }, MODERN)).toEqual({
      tools: [
        {
          name: 'a',
          inputSchema: { type: 'object', properties: { any: {}, none: { not: {} }, s: { type: 'string' } }, allOf: [] },
        },
        { name: 'b', inputSchema: { type: 'object' }, outputSchema: { type: 'object', properties: { t: {} } } },
      ],
    });
  });
});

describe('an older client', () => {
  it.each([
    ['2024-11-05', ['text', 'text', 'text', 'resource']],
    ['2025-03-26', ['audio', 'text', 'text', 'resource']],
    ['2025-06-18', ['audio', 'resource_link', 'text', 'resource']],
  ])('of %s is told in text what it cannot show', (protocolVersion, types) => {
    const content = [AUDIO, LINK, TEXT, EMBEDDED];
    for (const about of [LEGACY, MODERN]) {
      const tool = shape(head({ protocolVersion }), { content }, about) as { content: { type: string }[] };
      expect(tool.content.map(({ type }) => type)).toEqual(types);
      expect(JSON.stringify(tool)).not.toContain('icons');
      const messages = content.map((block) => ({ role: 'user', content: block }));
      const prompt = shape(head({ protocolVersion }, 'prompts/get'), { messages }, about) as {
        messages: { content: { type: string } }[];
      };
      expect(prompt.messages.map((message) => message.content.type)).toEqual(types);
    }
  });

  it('keeps the data of structured content', () => {
    const result = { content: [TEXT], structuredContent: { a: 1 }, isError: false };
    expect(shape(head({ protocolVersion: '2025-03-26' }), result, LEGACY)).toEqual({ content: [TEXT], isError: false });
    expect(shape(head({ protocolVersion: '2025-06-18' }), result, LEGACY)).toEqual(result);
    expect(
      shape(head({ protocolVersion: '2024-11-05' }), { content: [], structuredContent: { a: 1 } }, LEGACY),
    ).toEqual({
      content: [{ type: 'text', text: '{"a":1}' }],
    });
  });

  it('lists without titles, icons, outputs and tasks', () => {
    const item = { name: 'a', title: 'A', icons: [], description: 'd' };
    const tool = { ...item, inputSchema: { type: 'object' }, outputSchema: { type: 'object' }, execution: {} };
    const list = (protocolVersion: string, method: string, result: unknown) =>
      shape(head({ protocolVersion }, method), result, LEGACY);
    expect(list('2025-03-26', 'tools/list', { tools: [tool], nextCursor: '' })).toEqual({
      tools: [{ name: 'a', description: 'd', inputSchema: { type: 'object' } }],
      nextCursor: '',
    });
    expect(list('2025-06-18', 'tools/list', { tools: [tool] })).toEqual({
      tools: [
        { name: 'a', title: 'A', description: 'd', inputSchema: { type: 'object' }, outputSchema: { type: 'object' } },
      ],
    });
    expect(
      list('2024-11-05', 'prompts/list', { prompts: [{ ...item, arguments: [{ name: 'x', title: 'X' }] }] }),
    ).toEqual({ prompts: [{ name: 'a', description: 'd', arguments: [{ name: 'x' }] }] });
    expect(list('2025-06-18', 'resources/list', { resources: [{ ...item, uri: 'a:b' }] })).toEqual({
      resources: [{ name: 'a', title: 'A', description: 'd', uri: 'a:b' }],
    });
    expect(
      list('2024-11-05', 'resources/templates/list', { resourceTemplates: [{ ...item, uriTemplate: 'a:{+b}' }] }),
    ).toEqual({ resourceTemplates: [{ name: 'a', description: 'd', uriTemplate: 'a:{+b}' }] });
  });
});
