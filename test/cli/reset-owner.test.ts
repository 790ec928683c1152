import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Built, logged } from './built.js';

const built = new Built();

/** Starts a relay, reads the link it logs, does something with it, and ends the relay. */
async function withLink(args: readonly string[], words: RegExp, use: (link: URL) => Promise<void>): Promise<void> {
  const config = { mode: 'relay', host: '127.0.0.1', port: 0, dataDir: join(built.home, 'data') };
  const env = { MCP_LOCAL_TUNNEL_CONFIG: JSON.stringify(config) };
  const relay = built.start(['relay', '--log-format', 'json', ...args], { env });
  if (relay.stderr === null) throw new Error('no pipe');
  const { message } = await logged(relay.stderr, words);
  const link = /http:\S+/.exec(String(message))?.[0];
  relay.stderr.resume();
  try {
    await use(new URL(link ?? ''));
  } finally {
    relay.kill('SIGTERM');
    await once(relay, 'exit');
  }
}

async function setPassword(link: URL, password: string): Promise<string> {
  const body = new URLSearchParams({ token: link.hash.slice(1), name: 'owner', password, again: password });
  return (await fetch(new URL('/setup', link), { method: 'POST', body })).text();
}

it('relay --reset-owner prints a link to a new password', async () => {
  await withLink([], /^no owner yet/, async (link) => {
    expect(await setPassword(link, 'walnut harbour sings')).toContain('This relay is yours');
  });
  await withLink(['--reset-owner'], /^to set a new password for the owner/, async (link) => {
    expect(await setPassword(link, 'another harbour sings')).toContain('Your new password is set');
  });
});

it('is refused where a provider signs people in', async () => {
  const config = { mode: 'relay', dataDir: join(built.home, 'other'), auth: { issuer: 'https://idp.example' } };
  const env = { MCP_LOCAL_TUNNEL_CONFIG: JSON.stringify(config) };
  const { status, stderr } = await built.run(['relay', '--reset-owner'], { env });
  expect(stderr).toContain('people sign in at https://idp.example. Reset it there.');
  expect(status).toBe(2);
});
