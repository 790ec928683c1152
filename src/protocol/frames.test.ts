import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Assembler } from './assembler.js';
import {
  type AskHead,
  decodeAnswer,
  decodeAsk,
  decodeCall,
  encodeAnswer,
  encodeAsk,
  encodeCall,
} from './call-messages.js';
import {
  AGENT_FRAMES,
  decodeFrame,
  encodeFrame,
  FrameError,
  FrameType,
  HEADER_BYTES,
  MAX_FRAME_BYTES,
  NO_ID,
  RELAY_FRAMES,
} from './frames.js';
import { encodeHeaded, MessageError } from './message-reader.js';
import {
  decodeCancel,
  decodeCatalog,
  decodeDrain,
  decodeHello,
  decodeWelcome,
  decodeWindow,
  encodeWindow,
} from './messages.js';

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const type = fc.constantFrom(...Object.values(FrameType));
const id = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((array) => Buffer.from(array).toString('hex'));

describe('frames', () => {
  test('come back as they were', () => {
    fc.assert(
      fc.property(type, fc.boolean(), id, bytes, (code, more, callId, body) => {
        const accept = new Set([...AGENT_FRAMES, ...RELAY_FRAMES]);
        expect(decodeFrame(encodeFrame(code, more, callId, body), accept)).toEqual({
          type: code,
          more,
          id: callId,
          body,
        });
      }),
    );
  });

  test('any bytes are a frame or a FrameError', () => {
    fc.assert(
      fc.property(bytes, (data) => {
        try {
          decodeFrame(data, AGENT_FRAMES);
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
      }),
    );
  });

  test('have the lengths, types and flags they may have', () => {
    const frame = (change: (data: Buffer) => void) => {
      const data = encodeFrame(FrameType.result, false, NO_ID, Buffer.alloc(0));
      change(data);
      return () => decodeFrame(data, AGENT_FRAMES);
    };
    expect(frame(() => undefined)).not.toThrow();
    expect(frame((data) => data.writeUInt8(2, 1))).toThrow('bad_flags');
    expect(frame((data) => data.writeUInt8(FrameType.call, 0))).toThrow('unknown_type');
    expect(() => decodeFrame(Buffer.alloc(HEADER_BYTES - 1, 1), AGENT_FRAMES)).toThrow('too_short');
    expect(() => decodeFrame(Buffer.alloc(MAX_FRAME_BYTES + 1, 1), AGENT_FRAMES)).toThrow('too_large');
  });
});

describe('messages', () => {
  const decoders = {
    decodeHello,
    decodeWelcome,
    decodeCatalog,
    decodeDrain,
    decodeCancel,
    decodeCall,
    decodeAsk,
    decodeAnswer,
    decodeWindow,
  };
  const json = fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text));
  // Right keys with any values reach further than any JSON does.
  const keys = [
    'ask',
    'gone',
    'kind',
    'method',
    'resources',
    'versions',
    'app',
    'calls',
    'servers',
    'server',
    'status',
    'offer',
    'tools',
    'seq',
    'name',
    'machine',
  ];
  const shaped = fc
    .dictionary(fc.constantFrom(...keys), fc.jsonValue({ maxDepth: 3 }))
    .map((value) => Buffer.from(JSON.stringify(value)));

  test.each(Object.entries(decoders))('%s: any bytes are a message or a MessageError', (_name, decode) => {
    fc.assert(
      fc.property(fc.oneof(bytes, json, shaped), (body) => {
        for (const data of [body, encodeHeaded({}, body)]) {
          try {
            decode(data);
          } catch (error) {
            expect(error).toBeInstanceOf(MessageError);
          }
        }
      }),
    );
  });

  test('the head of a call is what JSON.stringify makes of it, for one client once or again', () => {
    const params = Buffer.from('{}');
    const client = {
      protocolVersion: '2025-11-25',
      endpoint: 'device',
      id: 'c"\u00e9',
      ask: 'push',
      session: 's',
    } as const;
    for (const era of ['legacy', 'modern'] as const) {
      const who = { era, ...client, capabilities: {}, info: { name: '\u2028' } };
      for (const more of [{}, { logLevel: 'info' }, { progressToken: 7, lasting: true }, { traceparent: '"' }, {}]) {
        const head = { server: 'a"b', method: 'tools/call', client: who, ...more };
        expect(encodeCall(head, params)).toEqual(encodeHeaded(head, params));
      }
    }
  });

  test('a call keeps the bytes of its params', () => {
    const head = {
      server: 'shell',
      method: 'tools/call',
      client: {
        era: 'legacy' as const,
        protocolVersion: '2025-11-25',
        endpoint: 'aggregate' as const,
        id: 'c',
        capabilities: {},
        ask: 'none' as const,
        session: 's1',
      },
      progressToken: 7,
    };
    fc.assert(
      fc.property(bytes, (params) => {
        expect(decodeCall(encodeCall(head, params))).toEqual({ head, params });
      }),
    );
  });

  test('questions and answers come back as they were', () => {
    const ask = fc.oneof(
      fc.record({ ask: fc.maxSafeNat(), method: fc.string({ maxLength: 256 }) }),
      fc.record({ ask: fc.maxSafeNat(), gone: fc.constant(true as const) }),
    ) satisfies fc.Arbitrary<AskHead>;
    const answer = fc.record({ ask: fc.maxSafeNat(), kind: fc.constantFrom('result' as const, 'error' as const) });
    fc.assert(
      fc.property(ask, answer, bytes, (asked, answered, json) => {
        expect(decodeAsk(encodeAsk(asked, json))).toEqual({ head: asked, params: json });
        expect(decodeAnswer(encodeAnswer(answered, json))).toEqual({ head: answered, json });
      }),
    );
  });

  test('a window keeps its number', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (limit) => {
        expect(decodeWindow(encodeWindow(limit))).toBe(limit);
      }),
    );
  });

  test('a welcome cannot reach a prototype', () => {
    const body = '{"version":1,"name":"","device":"","relay":"","heartbeatSeconds":1,"pongSeconds":1,"resultBytes":1,';
    expect(() => decodeWelcome(Buffer.from(`${body}"calls":{"__proto__":1}}`))).toThrow(MessageError);
  });
});

describe('Assembler', () => {
  const frame = (callId: string, more: boolean, text: string) =>
    decodeFrame(encodeFrame(FrameType.catalog, more, callId, Buffer.from(text)), AGENT_FRAMES);
  const [a, b] = ['a'.repeat(32), 'b'.repeat(32)];

  test('puts messages together that come mixed', () => {
    const assembler = new Assembler(100, 2);
    expect(assembler.add(frame(a, true, '1'))).toBeUndefined();
    expect(assembler.add(frame(b, true, 'x'))).toBeUndefined();
    expect(assembler.add(frame(a, false, '2'))?.toString()).toBe('12');
    expect(assembler.add(frame(b, false, 'y'))?.toString()).toBe('xy');
    expect(assembler.add(frame(a, false, 'whole'))?.toString()).toBe('whole');
  });

  test('holds no more than it may, in bytes and in messages', () => {
    const assembler = new Assembler(3, 1);
    expect(() => assembler.add(frame(a, false, '1234'))).toThrow(MessageError);
    assembler.add(frame(a, true, '123'));
    expect(() => assembler.add(frame(b, true, 'x'))).toThrow(MessageError);
    expect(() => assembler.add(frame(a, false, '4'))).toThrow(MessageError);
  });

  test('takes no message byte by byte', () => {
    const assembler = new Assembler(1024 * 1024, 1);
    const one = frame(a, true, 'x');
    expect(() => {
      for (let sent = 0; sent < 1100; sent++) assembler.add(one);
    }).toThrow(MessageError);
  });

  test('a dropped message starts anew', () => {
    const assembler = new Assembler(100, 1);
    assembler.add(frame(a, true, 'old'));
    assembler.drop(a);
    expect(assembler.add(frame(a, false, 'new'))?.toString()).toBe('new');
  });
});

test('a client that is known by a long URL can call', () => {
  const client = {
    era: 'legacy',
    endpoint: 'aggregate',
    ask: 'none',
    session: 's1',
    protocolVersion: '2025-11-25',
    capabilities: {},
  } as const;
  const id = `https://client.example/${'x'.repeat(8000)}`;
  const body = encodeCall({ server: 'shell', method: 'tools/call', client: { ...client, id } }, Buffer.from('{}'));
  expect(decodeCall(body).head.client.id).toBe(id);
});
