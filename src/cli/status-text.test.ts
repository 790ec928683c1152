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
