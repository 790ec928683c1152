import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../config/config-error.js';
import { PrivatePathError } from '../config/paths.js';
import { failureOf, knownErrors } from './exit-codes.js';
import { Interrupted } from './signals.js';
import { failureText } from './terminal.js';
import { UsageError } from './usage-error.js';

function named(name: string, code?: string): Error {
  return Object.assign(new Error('what to do'), { name }, code === undefined ? {} : { code });
}

describe('exit statuses', () => {
  it.each([
    [new ConfigError([], 'x'), 2],
    [new PrivatePathError('symlink', '/x', 'm'), 2],
    [new UsageError('m'), 2],
    [Object.assign(new Error('Nonexistent flag'), { oclif: { exit: 2 } }), 2],
    [named('StoreError', 'locked'), 2],
    [named('InstanceHeldError'), 2],
    [named('CredentialError', 'not_logged_in'), 3],
    [named('CredentialError', 'login_expired'), 3],
    [named('CredentialError', 'relay_unreachable'), 4],
    [named('LoginError', 'access_denied'), 3],
    [named('LoginError', 'relay_unreachable'), 4],
    [named('LoginError', 'insecure'), 2],
    [named('LinkRefused', 'login'), 3],
    [named('LinkRefused', 'version'), 2],
    [named('JoinError'), 4],
    [new Interrupted('SIGINT'), 130],
    [new Interrupted('SIGTERM'), 143],
    [named('ListenError', 'port_taken'), 2],
    [named('Error', 'ENOSPC'), 2],
    [new TypeError('x is not a function'), 1],
    ['thrown text', 1],
  ])('%s is %i', (error, status) => {
    expect(failureOf(error).exitCode).toBe(status);
  });

  it('know only errors that there are', () => {
    const folder = join(import.meta.dirname, '..');
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /(?<!\.test)\.ts$/.test(name),
    );
    const sources = files.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
    for (const name of knownErrors) expect(sources, name).toContain(`class ${name} extends Error`);
  });

  it('show the stack of a bug and of nothing else', () => {
    expect(failureOf(new TypeError('x')).stack).toContain('TypeError');
    expect(failureOf(named('JoinError')).stack).toBeUndefined();
    expect(failureOf(named('Error', 'ENOSPC')).message).toBe('what to do\nThe disk is full. Make room and try again.');
  });
});

describe('failures in words', () => {
  it('keep their lines and lose what a terminal would obey, and secrets', () => {
    const text = failureText({ exitCode: 2, message: 'a\u001b[2J\n  b Bearer abcdefgh' }, false);
    expect(text).toBe('Error: a\\u001b[2J\n  b Bearer [redacted]\n');
  });

  it('have colour when told', () => {
    expect(failureText({ exitCode: 2, message: 'a' }, true)).toBe('\u001b[1m\u001b[31mError:\u001b[39m\u001b[22m a\n');
  });

  it('say when it is a bug', () => {
    expect(failureText({ exitCode: 1, message: 'a', stack: 'Error: a\n    at b' }, false)).toBe(
      'Error: a\nThis is a bug in mcp-local-tunnel.\nError: a\n    at b\n',
    );
  });
});
