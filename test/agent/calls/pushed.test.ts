import { describe, expect, it } from 'vitest';
import { type Asked, bench, clientSide, LEGACY, replied, said } from './harness.js';

const accept = () => replied({ action: 'accept', content: { name: 'Ann' } });

describe('a legacy client, a legacy server that asks', () => {
  it('passes the question on while the call runs, and the reply back', async () => {
    const { call } = await bench();
    const side = clientSide(accept);
    const ended = await call('ask', { message: 'who?' }, { client: LEGACY, side });
    expect(said(ended)).toEqual([{ action: 'accept', content: { name: 'Ann' } }]);
    expect(side.asked).toMatchObject([{ method: 'elicitation/create', params: { message: 'who?' } }]);
    expect(ended.value.resultType).toBeUndefined();
  });

  it('passes on an error of the client', async () => {
    const { call } = await bench();
    const side = clientSide(() => ({ kind: 'error', error: { code: -7, message: 'no' } }));
    expect(said(await call('ask', { message: 'who?' }, { client: LEGACY, side }))).toEqual([{ failed: { code: -7 } }]);
  });

  it('asks a client of 2025-06-18 in the form it knows, or not at all', async () => {
    const { call } = await bench();
    const side = clientSide(() => replied({ action: 'accept', content: { colour: 'g' } }));
    const client = { ...LEGACY, protocolVersion: '2025-06-18', capabilities: { elicitation: {} } };
    expect(said(await call('ask-enum', {}, { client, side }))).toMatchObject({ content: { colour: 'g' } });
    const colour = { type: 'string', enum: ['r', 'g'], enumNames: ['Red', 'Green'] };
    const requestedSchema = { type: 'object', properties: { colour } };
    expect(side.asked).toEqual<Asked[]>([
      { method: 'elicitation/create', params: { message: 'Which?', requestedSchema } },
    ]);
    expect(said(await call('ask-enum', { several: true }, { client, side }))).toEqual({ action: 'cancel' });
    expect(side.asked).toHaveLength(1);
  });

  it('§7.15 asks nobody where the client cannot be asked', async () => {
    const { call } = await bench();
    const side = clientSide(accept);
    const ended = await call('ask', { message: 'who?' }, { client: { ...LEGACY, ask: 'none' }, side });
    expect(said(ended)).toEqual([{ action: 'cancel' }]);
    expect(side.asked).toEqual([]);
  });

  it('§7.23 takes the question back when the client gives the call up', async () => {
    const { call, until } = await bench();
    const side = clientSide(() => {
      queueMicrotask(() => side.leave.abort(new Error('gave up')));
      return undefined;
    });
    await expect(call('ask', { message: 'who?' }, { client: LEGACY, side })).rejects.toThrow('gave up');
    await until((deed) => 'cancelled' in deed);
  });
});
