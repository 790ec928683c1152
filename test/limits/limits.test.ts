import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Limits } from '../../src/config/config.js';
import { limitDefaults } from '../../src/config/limits.js';
import { rows } from './readme.js';

const ROOT = new URL('../../', import.meta.url);

/** The test that fails when a limit is not kept. A limit without one does not compile here. */
const SHOWN_BY: Record<keyof Limits, string> = {
  requestBytes: 'test/mcp/http.test.ts',
  openRequestBytes: 'test/mcp/open-bodies.test.ts',
  resultBytes: 'test/tunnel/calls.test.ts',
  callsPerDevice: 'test/tunnel/calls.test.ts',
  callsPerClient: 'test/tunnel/calls.test.ts',
  queueSeconds: 'test/tunnel/calls.test.ts',
  toolsPerUser: 'test/tunnel/devices.test.ts',
  promptsPerUser: 'test/tunnel/lists.test.ts',
  resourcesPerUser: 'test/tunnel/lists.test.ts',
  devicesPerUser: 'test/tunnel/devices.test.ts',
  callSeconds: 'test/tunnel/calls.test.ts',
  callMaxSeconds: 'test/tunnel/calls.test.ts',
  pageSize: 'test/mcp/tools-list.test.ts',
  listBytes: 'test/mcp/kept-lists.test.ts',
  replayBytes: 'src/relay/mcp/answers/replay-streams.test.ts',
  replaySeconds: 'src/relay/mcp/legacy/sessions.test.ts',
  sessionSeconds: 'test/mcp/lifecycle.test.ts',
  streamsPerClient: 'test/mcp/listen.test.ts',
  listensPerClient: 'test/tunnel/lasting.test.ts',
  silentSeconds: 'test/mcp/streaming.test.ts',
  keepaliveSeconds: 'test/mcp/streaming.test.ts',
  presentSeconds: 'test/tunnel/resume.test.ts',
  resumeSeconds: 'test/tunnel/resume.test.ts',
  heartbeatSeconds: 'test/tunnel/frames.test.ts',
  pongSeconds: 'test/tunnel/frames.test.ts',
  drainSeconds: 'test/tunnel/shutdown.test.ts',
  headerSeconds: 'test/security/attacks.test.ts',
  bodySeconds: 'test/security/attacks.test.ts',
  idleSeconds: 'test/limits/time.test.ts',
  connectionsPerAddress: 'test/tunnel/shutdown.test.ts',
  refusalsPerConnection: 'test/security/floods.test.ts',
  linksPerSecond: 'test/tunnel/turns.test.ts',
  requestsPerMinute: 'test/auth/core/rate-limits.test.ts',
  tokensPerMinute: 'test/auth/core/rate-limits.test.ts',
  registrationsPerHour: 'test/auth/core/rate-limits.test.ts',
  signInsPerMinute: 'test/auth/login/accounts.test.ts',
  registeredClients: 'test/auth/core/registration.test.ts',
  accessTokenSeconds: 'test/limits/time.test.ts',
  refreshTokenDays: 'test/limits/time.test.ts',
  refreshGraceSeconds: 'test/auth/core/refresh.test.ts',
  registrationDays: 'test/limits/time.test.ts',
};

describe('every limit', () => {
  test.each(Object.entries(SHOWN_BY))('%s is set in %s', (key, file) => {
    expect(readFileSync(fileURLToPath(new URL(file, ROOT)), 'utf8')).toMatch(new RegExp(`\\b${key}: [\\d_.]+`));
  });

  test('stands in README with its default', () => {
    const stated = rows('Limits').flatMap(({ names, defaults }) => {
      const values = names.length > 1 ? defaults.split(', ') : [defaults];
      return names.map((name, index) => [name, amount(values[index] ?? '')]);
    });
    expect(Object.fromEntries(stated)).toEqual(limitDefaults);
  });
});

/** `4 MiB`, `7 days`, `10,000`: in bytes, seconds, or as it stands. */
function amount(text: string): number {
  const [number = '', unit = ''] = text.split(' ');
  const units: Readonly<Record<string, number>> = { '': 1, MiB: 1024 * 1024, days: 86_400 };
  return Number(number.replaceAll(',', '')) * (units[unit] ?? Number.NaN);
}
