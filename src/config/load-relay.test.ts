import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Folders, relay } from '../../test/cli/config-folders.js';
import { limitBounds, limitDefaults } from './limits.js';
import { userDataDir } from './paths.js';

const folders = new Folders();

describe('a relay', () => {
  it('has every default', async () => {
    expect(await folders.load(relay)).toEqual({
      mode: 'relay',
      port: 3000,
      host: '0.0.0.0',
      dataDir: userDataDir(),
      trustProxy: false,
      limits: limitDefaults,
    });
    expect(await folders.load({ ...relay, auth: { issuer: 'https://id.example.com' } })).toMatchObject({
      auth: { clientId: 'mcp-local-tunnel', scopes: ['openid'], userClaim: 'sub', allow: {} },
    });
  });

  it('takes every field', async () => {
    const auth = {
      issuer: 'https://id.example.com/tenant/v2.0',
      clientId: 'id',
      clientSecret: 'hush',
      scopes: ['openid', 'email', 'https://example.com/scope'],
      userClaim: 'oid',
      allow: { emails: ['a@example.com'], domains: ['example.com'], claims: { groups: ['x', 1, true] } },
    };
    const config = {
      mode: 'relay',
      auth,
      port: 0,
      host: '::1',
      issuerUrl: 'https://relay.example.com',
      secret: 's'.repeat(32),
      dataDir: join(folders.root, 'data'),
      trustProxy: ['loopback', '10.0.0.0/8'],
      limits: { callsPerDevice: 7 },
    };
    expect(await folders.load(config)).toEqual({ ...config, limits: { ...limitDefaults, callsPerDevice: 7 } });
  });

  it.each(Object.entries(limitBounds))('takes limits.%s within its bounds only', async (key, [min, max]) => {
    const rest = key === 'callSeconds' ? { callMaxSeconds: limitBounds.callMaxSeconds[1] } : {};
    const low = key === 'callMaxSeconds' ? limitDefaults.callSeconds : min;
    for (const value of [low, max]) {
      expect(await folders.load({ ...relay, limits: { ...rest, [key]: value } })).toMatchObject({
        limits: { [key]: value },
      });
    }
    for (const value of [min - 1, max + 1, min + 0.5, '5', null]) {
      expect(await folders.problems({ ...relay, limits: { [key]: value } })).toEqual([
        `limits.${key}: must be a whole number from ${min} to ${max}; write one, or leave it out`,
      ]);
    }
  });

  it('has defaults within their bounds', () => {
    for (const [key, [min, max]] of Object.entries(limitBounds)) {
      const value = Object.entries(limitDefaults).find(([name]) => name === key)?.[1];
      expect(value).toBeGreaterThanOrEqual(min);
      expect(value).toBeLessThanOrEqual(max);
    }
  });

  it.each([true, 1, 0, 'loopback', '127.0.0.1, 10.0.0.0/8', ['::1', 'fd00::/8']])(
    'trusts proxies %j',
    async (value) => {
      expect(await folders.load({ ...relay, trustProxy: value })).toMatchObject({ trustProxy: value });
    },
  );

  it.each([
    [{ issuerUrl: 'https://relay.example.com/' }, { issuerUrl: 'https://relay.example.com' }],
    [{ issuerUrl: 'http://localhost:3000' }, { issuerUrl: 'http://localhost:3000' }],
    [{ auth: { issuer: 'https://x.auth0.com/' } }, { auth: { issuer: 'https://x.auth0.com/' } }],
    [{ auth: { issuer: 'http://homeassistant.local:8123' } }, { auth: { issuer: 'http://homeassistant.local:8123' } }],
    [{ auth: { issuer: 'http://keycloak:8080/realms/a' } }, { auth: { issuer: 'http://keycloak:8080/realms/a' } }],
    [{ dataDir: '~/data' }, { dataDir: join(homedir(), 'data') }],
  ])('reads %j', async (given, expected) => {
    expect(await folders.load({ ...relay, ...given })).toMatchObject(expected);
  });

  it('takes a relative dataDir from the folder of the file', async () => {
    expect(await folders.load({ ...relay, dataDir: 'data' })).toMatchObject({ dataDir: join(folders.cwd, 'data') });
  });

  it.each([
    [{ port: '3000' }, 'port: must be a whole number from 0 to 65535; write 3000'],
    [{ port: 65_536 }, 'port: must be a whole number'],
    [{ port: null }, 'port: must be a whole number'],
    [{ host: 'http://x' }, 'host: must be an address or host name to listen on; write "0.0.0.0"'],
    [{ host: '' }, 'host: must be'],
    [{ issuerUrl: 'relay.example.com' }, 'issuerUrl: not an http or https URL; write'],
    [{ issuerUrl: 'https://relay.example.com/mcp' }, 'issuerUrl: has a path'],
    [{ issuerUrl: 'http://relay.example.com' }, 'issuerUrl: must be https'],
    [{ issuerUrl: 'https://u:p@relay.example.com' }, 'issuerUrl: holds a user name or password'],
    [{ issuerUrl: 5 }, 'issuerUrl: must be text'],
    [{ secret: 'short' }, 'secret: must be at least 32 characters; write what `openssl rand -base64 32` prints'],
    [{ secret: 5 }, 'secret: must be'],
    [{ dataDir: 5 }, 'dataDir: must be the path of a folder'],
    [{ trustProxy: 'yes' }, 'trustProxy: must be true, false, a number of proxies, or their addresses'],
    [{ trustProxy: -1 }, 'trustProxy: must be'],
    [{ trustProxy: ['10.0.0.0/33'] }, 'trustProxy: must be'],
    [{ trustProxy: [] }, 'trustProxy: must be'],
    [{ auth: [] }, 'auth: must be an object'],
    [{ auth: null }, 'auth: must be an object'],
    [{ auth: {} }, 'auth.issuer: is missing; write the OpenID provider'],
    [{ auth: { issuer: 'accounts.google.com' } }, 'auth.issuer: not an https URL'],
    [{ auth: { issuer: 'http://id.example.com' } }, 'auth.issuer: must be https outside a private network'],
    [{ auth: { issuer: 'https://a.b/.well-known/openid-configuration' } }, 'auth.issuer: is a discovery document'],
    [{ auth: { issuer: 'https://a.b/?x=1' } }, 'auth.issuer: an issuer has neither ? nor #'],
    [{ auth: { issuer: 'https://a.b', clientId: '' } }, 'auth.clientId: must be text'],
    [{ auth: { issuer: 'https://a.b', clientSecret: 1 } }, 'auth.clientSecret: must be text'],
    [
      { auth: { issuer: 'https://a.b', scopes: 'openid email' } },
      'auth.scopes: must be a list of scopes with "openid"',
    ],
    [{ auth: { issuer: 'https://a.b', scopes: ['email'] } }, 'auth.scopes: must be'],
    [{ auth: { issuer: 'https://a.b', scopes: ['openid email'] } }, 'auth.scopes: must be'],
    [{ auth: { issuer: 'https://a.b', userClaim: [] } }, 'auth.userClaim: must be the name of a claim'],
    [{ auth: { issuer: 'https://a.b', allow: [] } }, 'auth.allow: must be an object'],
    [{ auth: { issuer: 'https://a.b', allow: { emails: 'a@b.c' } } }, 'auth.allow.emails: must be a list of addresses'],
    [{ auth: { issuer: 'https://a.b', allow: { emails: ['b.c'] } } }, 'auth.allow.emails: must be a list of addresses'],
    [
      { auth: { issuer: 'https://a.b', allow: { domains: ['a@b.c'] } } },
      'auth.allow.domains: must be a list of domains',
    ],
    [
      { auth: { issuer: 'https://a.b', allow: { claims: { g: 'x' } } } },
      'auth.allow.claims: must be claims with the lists',
    ],
    [{ auth: { issuer: 'https://a.b', allow: { claims: [] } } }, 'auth.allow.claims: must be'],
    [
      { auth: { issuer: 'https://a.b', allow: { groups: ['x'] } } },
      'auth.allow.groups: unknown key; write it as a claim',
    ],
    [{ limits: [] }, 'limits: must be an object'],
    [{ limits: { callSeconds: 7200 } }, 'limits.callMaxSeconds: must not be below callSeconds; write 7200 or more'],
    [{ servers: {} }, 'servers: unknown key; it belongs to mode "agent"'],
  ])('refuses %j', async (given, expected) => {
    const problems = await folders.problems({ ...relay, ...given });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(expected);
  });
});
