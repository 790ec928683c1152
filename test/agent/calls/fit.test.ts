import { describe, expect, it } from 'vitest';
import type { CallHead } from '../../../src/protocol/call-messages.js';
import { answerOf, bench, clientSide, MODERN, said } from './harness.js';

describe('results that are too long for their client', () => {
  it('are cut with a marker, and read on', async () => {
    const { call, runner } = await bench();
    const message = Array.from({ length: 30_000 }, (_, line) => `line ${line}`).join('\n');
    const client = { ...MODERN, endpoint: 'aggregate', uriKey: 'laptop.notes', info: { name: 'claude-ai' } } as const;
    const cut = String(said(await call('plain', { message }, { client })));
    expect(cut.length).toBeLessThan(150_000);
    const [, marked = ''] = /read_more with (\{.*?\})/.exec(cut) ?? [];
    const { id, from } = JSON.parse(marked);
    expect(message.startsWith(cut.slice(0, from))).toBe(true);
    const head: CallHead = { server: '', method: 'agent/read-more', client };
    const more = await runner.run(head, Buffer.from(JSON.stringify({ id, from })), clientSide().output);
    expect(String(said(answerOf(more))).startsWith(message.slice(from, from + 1000))).toBe(true);
    const whole = await call('plain', { message }, { client: { ...client, endpoint: 'server' } });
    expect(said(whole)).toBe(message);
  });
});
