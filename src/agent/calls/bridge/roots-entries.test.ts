import { expect, it } from 'vitest';
import type { CallClient, CallHead } from '../../../protocol/call-messages.js';
import { systemClock } from '../../servers/clock.js';
import type { AskPolicy } from '../../servers/types.js';
import { RequestStates } from './request-state.js';
import { passedRounds } from './roots-entries.js';

const CLIENT: CallClient = {
  era: 'modern',
  protocolVersion: '2026-07-28',
  endpoint: 'server',
  id: 'c',
  session: 'c',
  capabilities: { elicitation: {}, sampling: {}, roots: {} },
  ask: 'mrtr',
};
const SHARED = { endpoint: 'aggregate', uriKey: 'laptop.notes' } as const;
const SAMPLE = { method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } };
const ROOTS = { method: 'roots/list', params: {} };
const FORM = { method: 'elicitation/create', params: { message: 'who?', requestedSchema: {} } };

/** What a client hears of a modern server that asks whatever it likes, declared or not. */
async function heard(inputRequests: object, policy: AskPolicy, over: Partial<CallClient> = {}): Promise<string> {
  const head: CallHead = { server: 'notes', method: 'tools/call', client: { ...CLIENT, ...over } };
  const json = Buffer.from(JSON.stringify({ resultType: 'input_required', inputRequests }));
  const options = {
    policy,
    clock: systemClock,
    states: new RequestStates(() => new Uint8Array(32), systemClock),
    request: async () => ({ kind: 'result', json }) as const,
  };
  const served = await passedRounds(options, head, Buffer.from('{"name":"t"}'), {
    signal: new AbortController().signal,
  });
  if (served.kind === 'outcome') return served.outcome.kind === 'result' ? String(served.outcome.json) : '';
  return served.kind === 'failed' ? '' : String(served.json);
}

it('§7.12 asks no client’s model unless the config allows it', async () => {
  const forbidden: AskPolicy = { roots: undefined, sampling: false };
  for (const over of [{}, SHARED]) {
    for (const asked of [{ a: SAMPLE }, { f: FORM, a: SAMPLE }]) {
      const told = await heard(asked, forbidden, over);
      expect(told).toContain('sampling is not allowed by the config');
      expect(told).not.toContain('inputRequests');
    }
    expect(await heard({ a: SAMPLE }, { roots: undefined, sampling: true }, over)).toContain('"inputRequests":{"a"');
  }
});

it('§7.12 asks for a client’s own roots at the transparent endpoint alone', async () => {
  const policy: AskPolicy = { roots: undefined, sampling: true };
  expect(await heard({ r: ROOTS }, policy)).toContain('"inputRequests":{"r"');
  expect(await heard({ r: ROOTS, f: FORM }, policy, SHARED)).toContain('this client does not offer roots');
  expect(await heard({ r: ROOTS }, policy, { capabilities: {} })).toContain('this client does not offer roots');
});

it('opens no URL that is no web page', async () => {
  const policy: AskPolicy = { roots: undefined, sampling: false };
  const able = { capabilities: { elicitation: { form: {}, url: {} } } };
  const visit = (url: unknown) => ({
    a: { method: 'elicitation/create', params: { mode: 'url', message: 'Open', url } },
  });
  for (const url of ['javascript:alert(1)', ' JavaScript:alert(1)', 'file:///etc/passwd', 'data:text/html,x', '', 7]) {
    const told = await heard(visit(url), policy, able);
    expect(told).toContain('http and https addresses only');
    expect(told).not.toContain('inputRequests');
  }
  for (const url of ['https://example.com/x', 'HTTP://localhost:80/']) {
    expect(await heard(visit(url), policy, able)).toContain('"inputRequests"');
  }
});
