import { describe, expect, it } from 'vitest';
import { agentEnvironment } from '../../../config/environment.js';
import { childEnvironment } from './child-environment.js';

describe('childEnvironment', () => {
  it('takes what a program needs and nothing that may be a secret', () => {
    const given = {
      HOME: '/home/me',
      PATH: '/bin',
      LC_ALL: 'C.UTF-8',
      AWS_SECRET_ACCESS_KEY: 'canary',
      GITHUB_TOKEN: 'canary',
      MCP_LOCAL_TUNNEL_CONFIG: 'canary',
      NODE_OPTIONS: 'canary',
    };
    expect(childEnvironment(agentEnvironment(given, 'linux'), '/opt/bin:/bin', { TOKEN: 'x' }, 'linux')).toEqual({
      HOME: '/home/me',
      PATH: '/opt/bin:/bin',
      LC_ALL: 'C.UTF-8',
      TOKEN: 'x',
    });
  });

  it('lets the config decide, PATH included', () => {
    const given = agentEnvironment({ PATH: '/bin', LANG: 'C' }, 'darwin');
    expect(childEnvironment(given, '/usr/bin', { PATH: '/mine', LANG: 'de' }, 'darwin')).toEqual({
      PATH: '/mine',
      LANG: 'de',
    });
  });

  it('knows that names have no case on Windows', () => {
    const given = agentEnvironment({ Path: 'C:\\Windows', SystemRoot: 'C:\\Windows', SECRET: 'canary' }, 'win32');
    expect(childEnvironment(given, given.path, {}, 'win32')).toEqual({
      Path: 'C:\\Windows',
      SystemRoot: 'C:\\Windows',
    });
    expect(childEnvironment(given, given.path, { PATH: 'D:\\' }, 'win32')).toEqual({
      PATH: 'D:\\',
      SystemRoot: 'C:\\Windows',
    });
  });
});
