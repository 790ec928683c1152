import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAgent } from '../../src/agent/agent.js';
import type { AccessTokenRequest } from '../../src/agent/credentials/types.js';
import { AuthorizationServer } from '../../src/relay/auth/server/authorization-server.js';
import { loggerTo } from '../helpers/logger.js';
import { type TempFolder, tempFolder } from '../helpers/temp.js';
import { type Rig, startRig } from './relay-rig.js';

/** What an agent does whose token the relay refuses: one refresh, one more try, then "log in again". */
describe('an agent whose token is refused', () => {
  let rig: Rig;
  let folder: TempFolder;
  /** Of each time it asked for a token: whether the last one had been refused. */
  let asked: boolean[];

  beforeEach(async () => {
    rig = await startRig();
    folder = await tempFolder('refused');
    asked = [];
  });
  afterEach(async () => {
    await rig[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  function agent(token: (forceRefresh: boolean) => Promise<string>) {
    const config = {
      mode: 'agent',
      relay: rig.origin,
      name: 'laptop',
      servers: {},
      clientFit: true,
      insecure: false,
      profile: 'test',
      stateDir: folder.path,
    } as const;
    const accessToken = ({ forceRefresh = false }: AccessTokenRequest) => {
      asked.push(forceRefresh);
      return token(forceRefresh);
    };
    return createAgent(config, { logger: loggerTo(), browser: false, credentials: { accessToken }, version: '1.0.0' });
  }

  test('refreshes it and is online at the second try', async () => {
    const expired = await rig.token('user', { seconds: -600 });
    const fresh = await rig.token('user');
    const running = agent(async (forceRefresh) => (forceRefresh ? fresh : expired));
    const ended = new AbortController();
    running.onChange(({ link }) => {
      if (link === 'online') ended.abort();
    });
    await running.run(ended.signal);
    expect(ended.signal.aborted).toBe(true);
    expect(asked).toEqual([false, true]);
  });

  test('asks for a new login when the fresh one is refused too', async () => {
    const expired = await rig.token('user', { seconds: -600 });
    const run = agent(async () => expired).run(new AbortController().signal);
    await expect(run).rejects.toMatchObject({
      code: 'login',
      message: `${rig.origin} does not accept this login: run \`mcp-local-tunnel login\``,
    });
    expect(asked).toEqual([false, true]);
  });

  test('does so as well after its link was closed because the login ended', async () => {
    const grantId = 'ended';
    const token = await rig.token('user', { grantId });
    const running = agent(async () => token);
    const revoked: Promise<void>[] = [];
    running.onChange(({ link }) => {
      if (link === 'online') {
        revoked.push(rig.relay.nest.get(AuthorizationServer, { strict: false }).revokeGrant(grantId));
      }
    });
    await expect(running.run(new AbortController().signal)).rejects.toMatchObject({ code: 'login' });
    await Promise.all(revoked);
    expect(asked).toEqual([false, true]);
  });
});
