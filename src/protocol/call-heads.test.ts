import { describe, expect, it } from 'vitest';
import { CallHeads } from './call-heads.js';
import { type CallHead, decodeCall, encodeCall } from './call-messages.js';

function head(more: Partial<CallHead> = {}): CallHead {
  const client = { era: 'legacy', protocolVersion: '2025-11-25', endpoint: 'aggregate', id: 'c', ask: 'push' } as const;
  return { server: 's', method: 'tools/call', client: { ...client, session: 's', capabilities: {} }, ...more };
}

describe('CallHeads', () => {
  it('gives what decodeCall gives, each with its own params', () => {
    const heads = new CallHeads();
    for (const one of [head(), head({ method: 'prompts/get' }), head({ progressToken: 1 }), head({ server: 'ü' })]) {
      for (const params of ['{"a":1}', '{"a":2}', '']) {
        const call = encodeCall(one, Buffer.from(params));
        expect(heads.decode(call)).toEqual(decodeCall(call));
      }
    }
  });

  it('parses a head once, but for one of which each call has another', () => {
    const heads = new CallHeads();
    const read = (one: CallHead) => heads.decode(encodeCall(one, Buffer.from('{}'))).head;
    expect(read(head())).toBe(read(head()));
    expect(read(head({ progressToken: 1 }))).not.toBe(read(head({ progressToken: 1 })));
    expect(read(head({ method: 'x'.repeat(250) }))).toBe(read(head({ method: 'x'.repeat(250) })));
    const large = head({ client: { ...head().client, id: 'x'.repeat(4096) } });
    expect(read(large)).not.toBe(read(large));
  });

  it('keeps few', () => {
    const heads = new CallHeads();
    const read = (method: string) => heads.decode(encodeCall(head({ method }), Buffer.from('{}'))).head;
    const first = read('0');
    for (let at = 1; at < 64; at += 1) read(String(at));
    expect(read('0')).toBe(first);
    read('64');
    expect(read('0')).not.toBe(first);
  });

  it('refuses what decodeCall refuses, each time', () => {
    const heads = new CallHeads();
    const bad = [Buffer.alloc(0), Buffer.alloc(3), Buffer.from([0, 0, 0, 9, 1]), Buffer.from([0, 0, 0, 2, 0x7b, 0x7d])];
    for (const body of [...bad, ...bad]) expect(() => heads.decode(body)).toThrow('bad call');
  });
});
