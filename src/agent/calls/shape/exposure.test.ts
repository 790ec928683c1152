import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CallClient, CallHead } from '../../../protocol/call-messages.js';
import { exposeUri, ownUri } from '../../../protocol/uris.js';
import { shapeAsk, shapeError, shapeEvent, shapeResult } from '../shape.js';
import type { ShapeSource } from './rules.js';

const KEY = 'laptop.files';
const LEGACY: ShapeSource = { era: 'legacy' };
const MODERN: ShapeSource = { era: 'modern' };

const head = (method: string, client: Partial<CallClient> = {}): CallHead => ({
  server: 's',
  method,
  client: {
    era: 'legacy',
    protocolVersion: '2025-11-25',
    endpoint: 'aggregate',
    id: 'c',
    capabilities: {},
    ask: 'none',
    session: 's1',
    uriKey: KEY,
    ...client,
  },
});
const modern = (method: string) => head(method, { era: 'modern', protocolVersion: '2026-07-28' });
const { uriKey: _none, ...atServer } = head('resources/read').client;
const shape = (call: CallHead, result: unknown, about: ShapeSource): unknown =>
  JSON.parse(shapeResult(call, Buffer.from(JSON.stringify(result)), about).toString());

const LINK = { type: 'resource_link', uri: 'file:///a', name: 'a', icons: [{ src: 'https://x/i.png' }] };
const EMBEDDED = { type: 'resource', resource: { uri: 'file:///b', text: 'b' } };
const TEXT = { type: 'text', text: 'hi' };

describe('URIs where several servers share an endpoint', () => {
  it('say whose they are in content, but for what the client fetches itself', () => {
    const content = [LINK, EMBEDDED, { ...LINK, uri: 'https://x/y' }, { ...TEXT, text: 'see file:///a' }];
    expect(shape(head('tools/call'), { content, structuredContent: { uri: 'file:///a' } }, LEGACY)).toEqual({
      content: [
        { ...LINK, uri: `${KEY}+file:///a` },
        { type: 'resource', resource: { uri: `${KEY}+file:///b`, text: 'b' } },
        { ...LINK, uri: 'https://x/y' },
        { ...TEXT, text: 'see file:///a' },
      ],
      structuredContent: { uri: 'file:///a' },
    });
    expect(shape(head('prompts/get'), { messages: [{ role: 'user', content: EMBEDDED }] }, LEGACY)).toEqual({
      messages: [{ role: 'user', content: { type: 'resource', resource: { uri: `${KEY}+file:///b`, text: 'b' } } }],
    });
  });

  it('say it in what is read, and in _meta', () => {
    const ui = { ui: { resourceUri: 'ui://app/x', csp: {} }, 'ui/resourceUri': 'ui://app/x' };
    const exposed = { ui: { resourceUri: `ui://${KEY}+app/x`, csp: {} }, 'ui/resourceUri': `ui://${KEY}+app/x` };
    expect(
      shape(head('resources/read'), { contents: [{ uri: 'https://x', text: '', _meta: ui }], _meta: ui }, LEGACY),
    ).toEqual({ contents: [{ uri: `${KEY}+https://x`, text: '', _meta: exposed }], _meta: exposed });
    expect(shape(head('tools/call'), { content: [{ ...TEXT, _meta: ui }], _meta: ui }, MODERN)).toEqual({
      content: [{ ...TEXT, _meta: exposed }],
      _meta: exposed,
    });
  });

  it('are found behind escapes', () => {
    const bytes = Buffer.from('{"content":[{"type":"res\\u006furce_link","\\u0075ri":"file:\\/\\/\\/a"}]}');
    expect(JSON.parse(shapeResult(head('tools/call'), bytes, LEGACY).toString())).toEqual({
      content: [{ type: 'resource_link', uri: `${KEY}+file:///a` }],
    });
  });

  it('say it in errors, events and questions', () => {
    const call = head('resources/read');
    const error = { code: -32602, message: 'no', data: { uri: 'a:b', x: 1 } };
    expect(shapeError(call, error, LEGACY)).toEqual({ ...error, data: { uri: `${KEY}+a:b`, x: 1 } });
    expect(shapeError({ ...call, client: atServer }, error, LEGACY)).toBe(error);
    expect(shapeEvent(call, 'notifications/resources/updated', { uri: 'a:b', n: 1 })).toEqual({
      uri: `${KEY}+a:b`,
      n: 1,
    });
    const filter = { toolsListChanged: true, resourceSubscriptions: ['a:b'] };
    expect(shapeEvent(call, 'notifications/subscriptions/acknowledged', { notifications: filter })).toEqual({
      notifications: { ...filter, resourceSubscriptions: [`${KEY}+a:b`] },
    });
    const messages = [{ role: 'user', content: [{ type: 'tool_result', toolUseId: '1', content: [EMBEDDED] }] }];
    const asked = shapeAsk(call, 'sampling/createMessage', Buffer.from(JSON.stringify({ messages })));
    expect(asked.toString()).toContain(`"uri":"${KEY}+file:///b"`);
    const question = { resultType: 'input_required', inputRequests: { a: { method: 'm', params: { messages } } } };
    expect(JSON.stringify(shape(modern('tools/call'), question, MODERN))).toContain(`"uri":"${KEY}+file:///b"`);
  });

  it('come with task ids that say it too', () => {
    const call = modern('tools/call');
    expect(shape(call, { resultType: 'task', taskId: 't1', status: 'working' }, MODERN)).toEqual({
      resultType: 'task',
      taskId: `${KEY}+t1`,
      status: 'working',
    });
    const finished = { resultType: 'complete', taskId: 't1', result: { content: [LINK] } };
    expect(shape({ ...call, method: 'tasks/get' }, finished, MODERN)).toEqual({
      resultType: 'complete',
      taskId: `${KEY}+t1`,
      result: { content: [{ ...LINK, uri: `${KEY}+file:///a` }] },
    });
    expect(shape(head('tools/call'), { task: { taskId: 't', ttl: 1 } }, LEGACY)).toEqual({
      task: { taskId: `${KEY}+t`, ttl: 1 },
    });
    expect(shapeEvent(call, 'notifications/tasks', { taskId: 't' })).toEqual({ taskId: `${KEY}+t` });
    const done = { taskId: 't', status: 'completed', result: { content: [LINK] } };
    expect(shapeEvent(call, 'notifications/tasks', done)).toEqual({
      ...done,
      taskId: `${KEY}+t`,
      result: { content: [{ ...LINK, uri: `${KEY}+file:///a` }] },
    });
    const meta = (taskId: string) => ({ _meta: { 'io.modelcontextprotocol/related-task': { taskId } } });
    expect(shapeEvent(call, 'notifications/tasks/status', { taskId: 't', ...meta('t') })).toEqual({
      taskId: `${KEY}+t`,
      ...meta(`${KEY}+t`),
    });
    expect(shapeEvent(call, 'notifications/progress', { progress: 1, ...meta('t') })).toEqual({
      progress: 1,
      ...meta(`${KEY}+t`),
    });
  });

  it('§7.30 come back as they were: a thousand of them', () => {
    const uri = fc.oneof(
      fc.webUrl({ withFragments: true, withQueryParameters: true }),
      fc.string({ unit: 'grapheme' }),
      fc
        .tuple(fc.constantFrom('file:///', 'ui://', 'mem:', 'db://x/{+path}', 'a+b:', 'HTTPS://'), fc.string())
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(uri, (own) => {
        const read = shape(head('resources/read'), { contents: [{ uri: own }] }, LEGACY) as {
          contents: { uri: string }[];
        };
        expect(ownUri(read.contents[0]?.uri ?? '')).toEqual({ key: KEY, uri: own });
        const link = shape(head('tools/call'), { content: [{ type: 'resource_link', uri: own }] }, LEGACY);
        const expected = /^https:\/\//i.test(own) ? own : exposeUri(KEY, own);
        expect(link).toEqual({ content: [{ type: 'resource_link', uri: expected }] });
      }),
      { numRuns: 1000 },
    );
  });
});
