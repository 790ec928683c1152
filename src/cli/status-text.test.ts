import { expect, it } from 'vitest';
import { statusText } from './status-text.js';

it('shows an agent that is up', () => {
  const servers = [
    { name: 'shell', status: 'ready', tools: 1 },
    { name: 'files', status: 'failed', tools: 0 },
  ];
  const snapshot = { link: 'online', since: 0, deviceName: 'laptop', callsRunning: 0, servers };
  const login = { status: 'logged_in', account: 'anna' };
  const problems = [
    { what: 'Server files: it said\nno \u001b[31msuch file', next: 'Check "servers.files" in the config.' },
  ];
  const report = {
    mode: 'agent',
    ok: true,
    relay: 'https://r.example',
    agent: { running: true, pid: 7, snapshot },
    login,
    problems,
  } as const;
  expect(statusText(report, false)).toBe(`Relay    https://r.example
Login    logged in as anna
Agent    online as laptop since 1970-01-01T00:00:00.000Z, process 7
  shell  ready, 1 tool
  files  failed

! Server files: it said
    no \\u001b[31msuch file
  Check "servers.files" in the config.`);
  expect(statusText(report, true)).toContain('\u001b[32monline');
});

it('shows an agent that is not there, and a relay', () => {
  const none = {
    mode: 'agent',
    ok: false,
    relay: 'r',
    agent: { running: false },
    login: { status: 'not_logged_in' },
    problems: [],
  } as const;
  expect(statusText(none, false)).toBe('Relay  r\nLogin  not logged in\nAgent  not running');
  const relay = { mode: 'relay', ok: false, url: 'http://127.0.0.1:3000/readyz', problems: [] } as const;
  expect(statusText(relay, false)).toBe('Relay  not up (asked http://127.0.0.1:3000/readyz)');
});

it('shows what the relay and the servers call things, and nothing a terminal obeys', () => {
  const hostile = '\u001b]0;x\u0007\u202e\r\n';
  const servers = [{ name: `shell${hostile}`, status: `ready${hostile}`, tools: 1 }];
  const snapshot = { link: 'online', since: 0, deviceName: `laptop${hostile}`, callsRunning: 0, servers };
  const login = { status: 'logged_in', account: `anna${hostile}` };
  const problems = [{ what: `w${hostile}`, next: `n${hostile}` }];
  const report = { mode: 'agent', ok: true, relay: 'r', agent: { running: true, snapshot }, login, problems } as const;
  const text = statusText(report, false);
  expect(text).toContain('as laptop\\u001b]0;x\\u0007\\u202e\\r\\n');
  expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u);
});
