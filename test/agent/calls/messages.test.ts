import { describe, expect, it } from 'vitest';
import type { CallHead } from '../../../src/protocol/call-messages.js';
import { answerOf, bench, clientSide, LEGACY, MODERN, said } from './harness.js';

describe('messages that are no plain call', () => {
  it('passes a notification on, and answers at once', async () => {
    const { runner, until } = await bench();
    const head: CallHead = { server: 'legacy', method: 'notifications/own', client: LEGACY, notify: true };
    const told = await runner.run(head, Buffer.from('{"of":"mine"}'), clientSide().output);
    expect(answerOf(told)).toMatchObject({ kind: 'result', value: {} });
    await until((deed) => deed.notified === 'mine');
    const unknown = await runner.run({ ...head, server: 'none' }, Buffer.from('{}'), clientSide().output);
    expect(answerOf(unknown)).toMatchObject({ kind: 'error', value: { code: -32603 } });
  });

  it('§7.28 tells a lasting call of what it listens to, with URIs as its endpoint shows them', async () => {
    const { runner, call } = await bench();
    const key = { endpoint: 'aggregate', uriKey: 'laptop.notes' } as const;
    const head: CallHead = {
      server: 'legacy',
      method: 'subscriptions/listen',
      client: { ...MODERN, ...key },
      lasting: true,
    };
    const side = clientSide();
    const id = { 'io.modelcontextprotocol/subscriptionId': 7 };
    const params = { notifications: { toolsListChanged: true }, _meta: id };
    const listening = runner.run(head, Buffer.from(JSON.stringify(params)), side.output);
    await expect.poll(() => side.events).toMatchObject([{ method: 'notifications/subscriptions/acknowledged' }]);
    expect(said(await call('change-tools'))).toBe('changed');
    await expect.poll(() => side.events.map(({ method }) => method)).toContain('notifications/tools/list_changed');
    expect(side.events.at(-1)).toMatchObject({ params: { _meta: id } });
    side.leave.abort(new Error('gone'));
    await expect(listening).rejects.toThrow('gone');
  });

  it.each(['legacy', 'modern'] as const)(
    '§7.35 tells log lines of a %s server from the level on that the client wants',
    async (server) => {
      const { call } = await bench();
      for (const client of [MODERN, LEGACY]) {
        const [loud, silent] = [clientSide(), clientSide()];
        await call('log', {}, { server, client, side: loud, head: { logLevel: 'warning' } });
        await call('log', {}, { server, client, side: silent });
        expect(loud.events).toMatchObject([
          { method: 'notifications/message', params: { level: 'error', data: 'loud' } },
        ]);
        expect(silent.events).toEqual([]);
      }
    },
  );

  it('§7.35 tells a call’s log lines while a client with a log level listens', async () => {
    const { call, runner } = await bench();
    const listening = clientSide();
    const params = Buffer.from('{"notifications":{"toolsListChanged":true}}');
    for (const server of ['legacy', 'modern'] as const) {
      const head = { server, method: 'subscriptions/listen', client: LEGACY, lasting: true, logLevel: 'debug' };
      runner.run(head, params, listening.output).catch(() => undefined);
    }
    await expect.poll(() => listening.events).toHaveLength(2);
    for (const server of ['legacy', 'modern'] as const) {
      const loud = clientSide();
      await call('log', {}, { server, client: LEGACY, side: loud, head: { logLevel: 'warning' } });
      expect(loud.events).toMatchObject([{ params: { data: 'loud' } }]);
    }
  });
});
