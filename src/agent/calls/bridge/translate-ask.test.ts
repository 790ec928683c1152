import { describe, expect, it } from 'vitest';
import type { CallClient } from '../../../protocol/call-messages.js';
import { elicitationModes, ownReply, reply, replyFor } from './asks.js';
import { translateAsk } from './translate-ask.js';

const MODERN: CallClient = {
  era: 'modern',
  protocolVersion: '2026-07-28',
  endpoint: 'server',
  id: 'c',
  session: 'c',
  capabilities: { elicitation: { form: {}, url: {} }, sampling: {} },
  ask: 'mrtr',
};
const LEGACY: CallClient = { ...MODERN, era: 'legacy', protocolVersion: '2025-11-25', ask: 'push' };
const OLDER: CallClient = { ...LEGACY, protocolVersion: '2025-06-18' };

function translated(method: string, params: object | string, client: CallClient): unknown {
  const text = typeof params === 'string' ? params : JSON.stringify(params);
  const made = translateAsk(method, Buffer.from(text), { server: 's', method: 'tools/call', client });
  return made && JSON.parse(made.toString('utf8'));
}

describe('translateAsk', () => {
  it('leaves bytes that need no change', () => {
    const text = '{ "message":"who?", "requestedSchema":{"type":"object","properties":{}}, "n":1.0 }';
    const made = translateAsk('elicitation/create', Buffer.from(text), {
      server: 's',
      method: 'tools/call',
      client: LEGACY,
    });
    expect(made?.toString()).toBe(text);
    expect(translated('roots/list', '', LEGACY)).toEqual({});
  });

  it('drops what belongs to the server’s own hop', () => {
    const hop = { progressToken: 1, 'io.modelcontextprotocol/related-task': { taskId: 't' } };
    expect(translated('sampling/createMessage', { messages: [], task: { ttl: 1 }, _meta: hop }, OLDER)).toEqual({
      messages: [],
    });
    expect(translated('sampling/createMessage', { messages: [], _meta: { ...hop, own: 1 } }, MODERN)).toEqual({
      messages: [],
      _meta: { own: 1 },
    });
    expect(translated('sampling/createMessage', { messages: [], _meta: hop }, LEGACY)).toEqual({
      messages: [],
      _meta: { 'io.modelcontextprotocol/related-task': { taskId: 't' } },
    });
  });

  it('drops the id of an elicitation for modern clients, and keeps or makes one for those of 2025-11-25', () => {
    const url = { mode: 'url', message: 'Open', url: 'https://example.com' };
    expect(translated('elicitation/create', { ...url, elicitationId: 'e' }, MODERN)).toEqual(url);
    expect(translated('elicitation/create', { ...url, elicitationId: 'e' }, LEGACY)).toEqual({
      ...url,
      elicitationId: 'e',
    });
    expect(translated('elicitation/create', url, LEGACY)).toEqual({ ...url, elicitationId: expect.any(String) });
  });

  it('gives older clients forms they know', () => {
    const form = (colour: object) => ({
      message: 'Which?',
      mode: 'form',
      requestedSchema: { type: 'object', properties: { colour, name: { type: 'string', title: 'Name' } } },
    });
    const oneOf = [{ const: 'r', title: 'Red' }, { const: 'g' }];
    expect(translated('elicitation/create', form({ type: 'string', oneOf, default: 'r' }), OLDER)).toEqual({
      message: 'Which?',
      requestedSchema: {
        type: 'object',
        properties: {
          colour: { type: 'string', default: 'r', enum: ['r', 'g'], enumNames: ['Red', 'g'] },
          name: { type: 'string', title: 'Name' },
        },
      },
    });
    const several = { type: 'array', items: { anyOf: oneOf } };
    expect(translated('elicitation/create', form(several), OLDER)).toBeUndefined();
    expect(translated('elicitation/create', form(several), LEGACY)).toEqual(form(several));
  });

  it('asks models only with what the client declared', () => {
    const params = { messages: [], includeContext: 'thisServer', tools: [{}], toolChoice: { mode: 'auto' } };
    expect(translated('sampling/createMessage', params, MODERN)).toEqual({ messages: [], includeContext: 'none' });
    const able = { ...MODERN, capabilities: { sampling: { tools: {}, context: {} } } };
    expect(translated('sampling/createMessage', params, able)).toEqual(params);
    const text = (value: string) => ({ type: 'text', text: value });
    const several = { messages: [{ role: 'user', content: [text('a'), text('b')] }] };
    expect(translated('sampling/createMessage', several, OLDER)).toEqual({
      messages: ['a', 'b'].map((value) => ({ role: 'user', content: text(value) })),
    });
  });
});

describe('a question at an endpoint of several servers', () => {
  it('says whose it is, with words of its server and without', () => {
    const shared = { ...MODERN, endpoint: 'aggregate', uriKey: 'laptop.notes' } as const;
    const url = { mode: 'url', url: 'https://example.com' };
    expect(translated('elicitation/create', { ...url, message: '[laptop/bank] Sign in' }, shared)).toMatchObject({
      message: '[laptop/notes] [laptop/bank] Sign in',
    });
    expect(translated('elicitation/create', url, shared)).toMatchObject({ message: '[laptop/notes] ' });
  });
});

describe('ownReply', () => {
  it('refuses a URL that is no web page', () => {
    const policy = { roots: undefined, sampling: false };
    const asked = (url: unknown) =>
      ownReply('elicitation/create', Buffer.from(JSON.stringify({ mode: 'url', url })), LEGACY, policy);
    for (const url of ['javascript:alert(1)', 'vbscript:x', 'file:///x', undefined]) {
      expect(asked(url)).toMatchObject({ kind: 'error', error: { code: -32602 } });
    }
    expect(asked('https://example.com')).toBeUndefined();
  });
});

describe('elicitationModes', () => {
  it('are what a client of its revision can be asked in', () => {
    const modes = (client: CallClient, elicitation?: object) =>
      elicitationModes({ ...client, capabilities: elicitation === undefined ? {} : { elicitation } });
    expect(modes(MODERN)).toEqual([]);
    expect(modes(MODERN, {})).toEqual(['form']);
    expect(modes(MODERN, { url: {} })).toEqual(['url']);
    expect(modes(LEGACY, { form: {}, url: {} })).toEqual(['form', 'url']);
    expect(modes(OLDER, { url: {} })).toEqual(['form']);
    expect(modes({ ...LEGACY, protocolVersion: '2025-03-26' }, {})).toEqual([]);
    expect(modes({ ...LEGACY, ask: 'none' }, {})).toEqual([]);
  });
});

describe('replyFor', () => {
  it('gives servers before 2025-11-25 one block of what the model says', () => {
    const said = (content: unknown) => reply({ role: 'assistant', model: 'm', content });
    const text = (value: string) => ({ type: 'text', text: value });
    const given = (content: unknown, revision: string) => replyFor('sampling/createMessage', said(content), revision);
    expect(given([text('a')], '2025-06-18')).toEqual(said(text('a')));
    expect(given([text('a'), text('b')], '2025-06-18')).toEqual(said(text('a\nb')));
    expect(given(text('a'), '2025-06-18')).toEqual(said(text('a')));
    expect(given([text('a')], '2025-11-25')).toEqual(said([text('a')]));
  });
});
