import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { CallClient, CallHead } from '../../../protocol/call-messages.js';
import { systemClock } from '../../servers/clock.js';
import { boundTo, RequestStates } from './request-state.js';

const CLIENT: CallClient = {
  era: 'modern',
  protocolVersion: '2026-07-28',
  endpoint: 'server',
  id: 'c',
  session: 'c',
  capabilities: {},
  ask: 'mrtr',
};
const HEAD: CallHead = { server: 's', method: 'tools/call', client: CLIENT };
const bound = (params: string, head = HEAD) => boundTo(head, Buffer.from(params));

describe('boundTo', () => {
  it('is the same for the same request, however it is written and with whatever a retry adds', () => {
    const once = bound('{"name":"t","arguments":{"a":1,"b":[{"c":2,"d":null}]}}');
    expect(
      bound(
        '{ "arguments":{"b":[{"d":null,"c":2.0}],"a":1}, "name":"t", "requestState":"s", "inputResponses":{}, "_meta":{} }',
      ),
    ).toBe(once);
  });

  it('differs for any other request', () => {
    const params = '{"name":"t","arguments":{"a":[["b",1]]}}';
    const others = [
      bound('{"name":"u","arguments":{"a":[["b",1]]}}'),
      bound('{"name":"t","arguments":{"a":{"b":1}}}'),
      bound('{"name":"t","arguments":{"a":[["b",1]],"c":null}}'),
      bound(params, { ...HEAD, server: 'other' }),
      bound(params, { ...HEAD, method: 'prompts/get' }),
      bound(params, { ...HEAD, client: { ...CLIENT, id: 'd' } }),
      bound(params, { ...HEAD, client: { ...CLIENT, endpoint: 'device' } }),
    ];
    expect(new Set([bound(params), ...others]).size).toBe(8);
  });
});

describe('RequestStates', () => {
  const key = randomBytes(32);
  const state = { kind: 'parked', handle: 'h' } as const;

  it('opens what it sealed, for as long as said, with the same key alone', async () => {
    let offset = 0;
    const clock = { ...systemClock, now: () => Date.now() + offset };
    const states = new RequestStates(() => key, clock);
    const sealed = await states.seal(state, 'b', 60_000);
    expect(sealed).toMatch(/^mlt1\.[\w.-]+$/);
    expect(await new RequestStates(() => key, clock).open(sealed, 'b')).toEqual(state);
    expect(await states.open(sealed, 'c')).toBeUndefined();
    expect(await new RequestStates(() => randomBytes(32), clock).open(sealed, 'b')).toBeUndefined();
    offset = 61_000;
    expect(await states.open(sealed, 'b')).toBeUndefined();
  });

  it('keeps a server’s own state as it is', async () => {
    const states = new RequestStates(() => key, systemClock);
    const own = { kind: 'roots', upstream: '"\\u2028 é \\\\"', keys: ['r'] } as const;
    expect(await states.open(await states.seal(own, 'b', 1000_000), 'b')).toEqual(own);
    const none = { kind: 'roots', upstream: undefined, keys: [] } as const;
    expect(await states.open(await states.seal(none, 'b', 1000_000), 'b')).toEqual(none);
  });
});
