import { describe, expect, it } from 'vitest';
import type { CallClient } from '../../../protocol/call-messages.js';
import { capabilitiesFor, envelope } from './envelope.js';

const UI = 'io.modelcontextprotocol/ui';
const TASKS = 'io.modelcontextprotocol/tasks';
const CLOSED = { roots: undefined, sampling: false };
const OPEN = { roots: [{ uri: 'file:///srv' }], sampling: true };

const client = (capabilities: object, over: Partial<CallClient> = {}): CallClient => ({
  era: 'modern',
  protocolVersion: '2026-07-28',
  endpoint: 'aggregate',
  id: 'c',
  capabilities: { ...capabilities },
  ask: 'mrtr',
  session: 's',
  ...over,
});
const legacy = (capabilities: object, over: Partial<CallClient> = {}) =>
  client(capabilities, { era: 'legacy', protocolVersion: '2025-11-25', ask: 'push', ...over });

describe('what a modern server may count on', () => {
  it('§7.12 is no question where nobody can be asked', () => {
    const all = { elicitation: {}, sampling: {}, roots: {}, extensions: { [UI]: {} } };
    expect(capabilitiesFor(client(all, { ask: 'none', endpoint: 'server' }), OPEN)).toEqual({
      extensions: { [UI]: {} },
    });
    expect(capabilitiesFor(legacy(all, { ask: 'none' }), OPEN)).toEqual({ extensions: { [UI]: {} } });
  });

  it('is sampling only where the config lets it', () => {
    const sampling = { tools: {} };
    expect(capabilitiesFor(client({ sampling }), CLOSED)).toEqual({});
    expect(capabilitiesFor(client({ sampling }), { ...CLOSED, sampling: true })).toEqual({ sampling });
    expect(capabilitiesFor(legacy({}), { ...CLOSED, sampling: true })).toEqual({});
  });

  it('is roots where the config lists some, or the client knows better', () => {
    const roots = { own: 1 };
    expect(capabilitiesFor(legacy({}), OPEN)).toEqual({ roots: {} });
    expect(capabilitiesFor(client({ roots }), OPEN)).toEqual({ roots: {} });
    expect(capabilitiesFor(client({ roots }), CLOSED)).toEqual({});
    expect(capabilitiesFor(client({ roots }, { endpoint: 'server' }), CLOSED)).toEqual({ roots });
    expect(capabilitiesFor(client({ roots }, { endpoint: 'server' }), { ...CLOSED, roots: [] })).toEqual({ roots: {} });
    expect(capabilitiesFor(legacy({ roots }, { endpoint: 'server' }), CLOSED)).toEqual({});
  });

  it.each([
    ['2025-03-26', {}, undefined],
    ['2025-06-18', {}, { form: {} }],
    ['2025-06-18', { url: {} }, { form: {} }],
    ['2025-11-25', {}, { form: {} }],
    ['2025-11-25', { form: {}, url: {} }, { form: {}, url: {} }],
    ['2025-11-25', { url: {} }, { url: {} }],
  ])('of a client of %s that declares %j is elicitation %j', (protocolVersion, elicitation, expected) => {
    const declared = capabilitiesFor(legacy({ elicitation }, { protocolVersion }), CLOSED);
    expect(declared).toEqual(expected ? { elicitation: expected } : {});
  });

  it('are the extensions that get through', () => {
    const extensions = { [UI]: { mimeTypes: [] }, [TASKS]: {}, 'com.example/own': {} };
    const of = (from: CallClient) => capabilitiesFor(from, CLOSED).extensions;
    expect(of(client({ extensions }))).toEqual({ [UI]: { mimeTypes: [] }, [TASKS]: {} });
    expect(of(client({ extensions }, { endpoint: 'server' }))).toEqual(extensions);
    expect(of(legacy({ extensions }))).toEqual({ [UI]: { mimeTypes: [] } });
    expect(of(legacy({ extensions }, { endpoint: 'server' }))).toEqual({
      [UI]: { mimeTypes: [] },
      'com.example/own': {},
    });
    expect(of(legacy({ extensions: { [TASKS]: {} } }))).toBeUndefined();
  });

  it('is what nobody here knows, from a client of its era that talks to it alone', () => {
    const capabilities = { experimental: { a: {} }, novelty: { b: 1 }, tasks: { list: {} } };
    expect(capabilitiesFor(client(capabilities), CLOSED)).toEqual({});
    expect(capabilitiesFor(client(capabilities, { endpoint: 'server' }), CLOSED)).toEqual({
      experimental: { a: {} },
      novelty: { b: 1 },
    });
    expect(capabilitiesFor(legacy(capabilities, { endpoint: 'server' }), CLOSED)).toEqual({ experimental: { a: {} } });
  });
});

it('leaves out of the envelope what there is not', () => {
  expect(JSON.parse(JSON.stringify(envelope(undefined, {})))).toEqual({
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  });
});
