import { describe, expect, it } from 'vitest';
import { answerOf, bench, clientSide, LEGACY, MODERN } from './harness.js';

describe('error codes', () => {
  it('§7.30 tell of a missing resource as the client’s revision does', async () => {
    const { runner } = await bench();
    const read = async (client: typeof MODERN) => {
      const head = { server: 'legacy', method: 'resources/read', client };
      const params = Buffer.from('{"uri":"file:///missing"}');
      return answerOf(await runner.run(head, params, clientSide().output));
    };
    const missing = { kind: 'error', value: { code: -32602, data: { uri: 'file:///missing' } } };
    expect(await read(MODERN)).toMatchObject(missing);
    expect(await read(LEGACY)).toMatchObject({ kind: 'error', value: { code: -32002 } });
    const merged = { ...MODERN, endpoint: 'aggregate', uriKey: 'laptop.notes' } as const;
    expect(await read(merged)).toMatchObject({ value: { data: { uri: 'laptop.notes+file:///missing' } } });
  });
});
