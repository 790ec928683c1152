import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { client, form, listening, replying, tool } from './asking.js';
import { atEnd, fixture, http, ready } from './harness.js';

/** The server that asks, over Streamable HTTP with sessions; its URL. */
async function serve(): Promise<string> {
  const child = spawn(process.execPath, [fixture('asking-server.mjs'), '{"http":true}'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  atEnd(async () => {
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  });
  const [url] = await once(child.stdout.setEncoding('utf8'), 'data');
  return String(url).trim();
}

describe('a server over HTTP', () => {
  it('§7.13 asks the client of the call on whose stream the question comes, whoever else calls', async () => {
    const made = await ready({ one: { ...http(await serve()), era: 'legacy' } });
    const one = replying({ action: 'accept' });
    const two = replying({ action: 'decline' });
    const stop = new AbortController();
    const listen = await listening(made.servers, client('a'), {});
    const waits = tool(made, 'wait', { key: 'k' }, { client: client('a'), onAsk: one.onAsk, signal: stop.signal });
    waits.catch(() => {});
    await listen.next('notifications/test/waiting');
    const from = { client: client('b'), onAsk: two.onAsk };
    expect(await tool(made, 'ask', form('Who?'), from)).toEqual({ result: { action: 'decline' } });
    expect([one, two].map(({ asked }) => asked.length)).toEqual([0, 1]);
    // On the stream for everything else, it may be of any of the two.
    expect(await tool(made, 'ask', { ...form('Who?'), apart: true }, from)).toEqual({ result: { action: 'cancel' } });
    stop.abort(new Error('enough'));
  });

  it('asks on its other stream too, when there is one call', async () => {
    const made = await ready({ one: { ...http(await serve()), era: 'legacy' } });
    const { onAsk } = replying({ action: 'accept' });
    const question = { ...form('Who?'), apart: true };
    expect(await tool(made, 'ask', question, { client: client('a'), onAsk })).toEqual({ result: { action: 'accept' } });
  });

  it('is listened to', async () => {
    const made = await ready({ one: { ...http(await serve()), era: 'legacy' } });
    const uri = 'test://a';
    const listen = await listening(made.servers, client('a'), { notifications: { resourceSubscriptions: [uri] } });
    await tool(made, 'tell', { notifications: [['notifications/resources/updated', { uri }]] });
    expect(await listen.next('notifications/resources/updated')).toEqual({ uri });
  });
});
