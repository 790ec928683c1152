import { describe, expect, it } from 'vitest';
import { createLogger, type LoggerOptions } from './create-logger.js';
import { printable } from './printable.js';

function logger(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const destination = { write: (line: string) => lines.push(line) };
  return { lines, log: createLogger({ level: 'debug', format: 'human', color: false, destination, ...options }) };
}

const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.c2lnbmF0dXJl';

describe('human lines', () => {
  it('say time, level, subsystem, message and fields', () => {
    const { lines, log } = logger();
    log
      .child('tunnel')
      .child('laptop')
      .info('device online', { device: 'laptop', tools: 3, why: 'came back', list: ['a'] });
    expect(lines).toEqual([
      expect.stringMatching(
        /^\d{4}-\d\d-\d\dT[\d:.]+Z info {2}tunnel laptop device online device=laptop tools=3 why="came back" list=\["a"\]\n$/,
      ),
    ]);
  });

  it('have colour only when told', () => {
    const { lines, log } = logger({ color: true });
    log.warn('careful');
    expect(lines[0]).toContain('\u001b[33mwarn ');
    const plain = logger();
    plain.log.warn('careful', { a: 1 });
    expect(plain.lines[0]).not.toContain('\u001b');
  });

  it('cannot be forged or made to drive the terminal', () => {
    const { lines, log } = logger();
    log.info('a\n2026 error b\u001b[2J', { 'k\u001b': 'x\r\ny\u009b31m', bidi: '\u202e' });
    expect(lines[0]).toContain('a\n    2026 error b\\u001b[2J k\\u001b="x\\r\\ny\\u009b31m" bidi=\\u202e\n');
  });

  it('show an error by its message', () => {
    const { lines, log } = logger();
    log.error('failed', { error: new Error('no space', { cause: new Error('x') }) });
    expect(lines[0]).toMatch(/error failed error="no space"\n$/);
  });
});

describe('json lines', () => {
  it('hold level, time, subsystem, message and fields', () => {
    const { lines, log } = logger({ format: 'json' });
    log.child('auth').error('bad\u202e\n', { user: 'u', level: 'mine', time: 1, error: new TypeError('no') });
    expect(lines[0]).toMatch(/^[\x20-\x7e]*\n$/);
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'error',
      time: expect.stringMatching(/Z$/),
      subsystem: 'auth',
      message: 'bad\u202e\n',
      user: 'u',
      level_: 'mine',
      time_: 1,
      error: { name: 'TypeError', message: 'no', stack: expect.stringContaining('TypeError: no') },
    });
  });

  it('take anything', () => {
    const { lines, log } = logger({ format: 'json' });
    const loop: Record<string, unknown> = { n: 1n, s: Symbol('x'), f: () => 1, d: new Date(NaN), b: new Uint8Array(3) };
    loop.self = loop;
    log.info('odd', { loop, map: new Map([['password', 'hush']]), none: undefined });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      loop: { n: '1', b: '3 bytes' },
      map: { password: '[redacted]' },
    });
  });
});

it('leaves out what is below the level', () => {
  const { lines, log } = logger({ level: 'warn' });
  for (const level of ['debug', 'info', 'warn', 'error'] as const) log[level](level);
  expect(lines.map((line) => line.split(' ')[1])).toEqual(['warn', 'error']);
});

describe('secrets', () => {
  const secret = 'hush-hush-1234';
  it.each([
    { token: secret },
    { Authorization: secret },
    { headers: { 'set-cookie': [secret], Cookie: secret } },
    { 'x-api-key': secret },
    { client_secret: secret, clientSecret: secret },
    { refresh_token: secret, access_token: secret, id_token: secret },
    { password: secret, newPassword: { value: secret } },
    { code: secret },
    { list: [{ deep: { token: secret } }] },
    { message: `Bearer ${secret}` },
    { header: `Basic ${secret}` },
    { url: `https://x.y/callback?state=a&code=${secret}` },
    { url: new URL(`https://u:${secret}@x.y/`) },
    { error: new Error(`refresh_token=${secret}`, { cause: new Error(`access_token=${secret}`) }) },
    { key: `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----` },
  ])('stay out: %o', (fields) => {
    for (const format of ['human', 'json'] as const) {
      const { lines, log } = logger({ format });
      log.info('x', fields);
      expect(lines.join()).toContain('[redacted]');
      expect(lines.join()).not.toContain(secret);
    }
  });

  it('stay out of messages and anywhere in text', () => {
    const { lines, log } = logger();
    log.info(`got ${jwt} and Bearer ${jwt}`, { note: `x${jwt}`, a: { b: `(${jwt})` } });
    expect(lines.join()).not.toContain('c2lnbmF0dXJl');
    expect(lines.join()).not.toContain('eyJzdWIi');
  });

  it('are not seen where there are none', () => {
    const { lines, log } = logger();
    log.info('closed', {
      code: 1006,
      tokens: 5,
      state: 'ready',
      cause: { code: 'ECONNRESET' },
      why: { code: 'not_logged_in' },
    });
    expect(lines[0]).toMatch(/code=1006 tokens=5 state=ready cause=.*ECONNRESET.* why=.*not_logged_in/);
  });
});

it.each(['a.', 'a://', 'a-', 'a_', 'eyJaaaaaaa-', '-eyJaaaaaa', '-----BEGIN ', 'Bearer ', 'token', '"', '://a@'])(
  'a stranger’s text of many %j is looked through in one pass',
  (part) => {
    const { lines, log } = logger();
    log.info(part.repeat(200_000), { text: part.repeat(200_000) });
    expect(lines).toHaveLength(1);
  },
);

it('printable keeps what people write', () => {
  expect(printable('Grüße, 你好 👩‍💻 a\tb')).toBe('Grüße, 你好 👩‍💻 a\\tb');
  expect(printable('\ud83d')).toBe('\\ud83d');
});
