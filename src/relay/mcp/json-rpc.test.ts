import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readBody } from './json-rpc.js';

it('readBody reads whatever comes without throwing', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.json().map((json) => Buffer.from(json)),
      ),
      (bytes) => {
        expect(['single', 'batch', 'unreadable']).toContain(readBody(Buffer.from(bytes)).kind);
      },
    ),
  );
});

it('readBody knows a message for what it is, with any extra members', () => {
  const extra = fc.dictionary(fc.constantFrom('a', '__proto__', 'x'), fc.jsonValue());
  const id = fc.oneof(fc.string(), fc.integer());
  fc.assert(
    fc.property(extra, id, fc.string({ minLength: 1 }), (more, ownId, method) => {
      const read = (message: object) => {
        const body = readBody(Buffer.from(JSON.stringify({ ...more, jsonrpc: '2.0', ...message })));
        return body.kind === 'single' ? body.message : undefined;
      };
      expect(read({ id: ownId, method })).toMatchObject({ kind: 'request', id: JSON.stringify(ownId), method });
      expect(read({ method })).toMatchObject({ kind: 'notification', method });
      const answer = { kind: 'response', id: JSON.stringify(ownId) };
      expect(read({ id: ownId, result: 1 })).toMatchObject({ ...answer, outcome: 'result' });
      expect(read({ id: ownId, error: {} })).toMatchObject({ ...answer, outcome: 'error' });
      expect(read({ result: 1 })).toMatchObject({ kind: 'response', id: undefined });
      expect(read({ id: ownId })).toMatchObject({ kind: 'invalid' });
    }),
  );
});

it('readBody refuses a batch of more messages than it would look at', () => {
  const batch = (length: number) => JSON.stringify(Array.from({ length }, () => ({ jsonrpc: '2.0', method: 'm' })));
  expect(readBody(Buffer.from(batch(64))).kind).toBe('batch');
  expect(readBody(Buffer.from(batch(65)))).toMatchObject({ kind: 'unreadable', code: -32600 });
});
