import { describe, expect, it } from 'vitest';
import { agentEnvironment, canOpenBrowser, colourWish, isCi } from './environment.js';

describe('what local servers are given', () => {
  it('is what a program needs, without our secrets', () => {
    const { child } = agentEnvironment(
      {
        PATH: '/bin',
        HOME: '/home/me',
        LC_TIME: 'C',
        https_proxy: 'http://proxy:1',
        AWS_SECRET_ACCESS_KEY: 'no',
        MCP_LOCAL_TUNNEL_CONFIG: '{"secret":"no"}',
        LANG: '() { evil; }',
      },
      'linux',
    );
    expect(child).toEqual({ PATH: '/bin', HOME: '/home/me', LC_TIME: 'C', https_proxy: 'http://proxy:1' });
  });

  it.each(['http://me:hush@proxy:1', 'me:hush@proxy:1', 'socks5://me@proxy'])('is no proxy with a login: %s', (url) => {
    const env = { HTTPS_PROXY: url, http_proxy: url, ALL_PROXY: url, NO_PROXY: 'a@b' };
    expect(agentEnvironment(env, 'linux').child).toEqual({ NO_PROXY: 'a@b' });
    expect(agentEnvironment(env, 'win32').child).toEqual({ NO_PROXY: 'a@b' });
    expect(agentEnvironment(env, 'linux').proxy.https).toBe(url);
  });

  it('keeps the spelling Windows gives', () => {
    const found = agentEnvironment({ Path: 'C:\\bin', SystemRoot: 'C:\\Windows', GITHUB_TOKEN: 'no' }, 'win32');
    expect(found.child).toEqual({ Path: 'C:\\bin', SystemRoot: 'C:\\Windows' });
    expect(found.path).toBe('C:\\bin');
    expect(found.shell).toBeUndefined();
  });

  it('reads proxies in either spelling, the lower one first, empty as unset', () => {
    const env = {
      https_proxy: 'http://low',
      HTTPS_PROXY: 'http://up',
      HTTP_PROXY: '',
      ALL_PROXY: 'http://all',
      NO_PROXY: 'x',
    };
    expect(agentEnvironment(env, 'linux').proxy).toEqual({ https: 'http://low', http: 'http://all', no: 'x' });
    expect(agentEnvironment({}, 'linux').proxy).toEqual({});
  });
});

describe('the terminal', () => {
  it.each([
    [{}, 'auto'],
    [{ NO_COLOR: '1', FORCE_COLOR: '1' }, 'never'],
    [{ NO_COLOR: '' }, 'auto'],
    [{ FORCE_COLOR: '' }, 'always'],
    [{ FORCE_COLOR: '0' }, 'never'],
    [{ TERM: 'dumb' }, 'never'],
  ] as const)('%o wishes colour %s', (env, wish) => {
    expect(colourWish(env)).toBe(wish);
  });

  it('opens a browser only where somebody can see it', () => {
    expect(canOpenBrowser({}, 'darwin')).toBe(true);
    expect(canOpenBrowser({}, 'linux')).toBe(false);
    expect(canOpenBrowser({ DISPLAY: ':0' }, 'linux')).toBe(true);
    expect(canOpenBrowser({ DISPLAY: ':0', SSH_CONNECTION: 'x' }, 'linux')).toBe(false);
    expect(canOpenBrowser({ DISPLAY: ':0', CI: 'true' }, 'linux')).toBe(false);
    expect(isCi({ CI: 'false' })).toBe(false);
  });
});
