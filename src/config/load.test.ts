import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { agent, errorOf, FILE, Folders, relay, withServer } from '../../test/cli/config-folders.js';
import type { LoadOptions } from './load.js';

const folders = new Folders();

describe('a bad config', () => {
  it('tells every problem at once, with its line', async () => {
    const text = `{
  // comments and trailing commas are fine
  "mode": "relay",
  "port": "x",
  "auth": { "isuer": "https://id.example.com",
    "scopes": [],
  },
  "limits": { "callsPerDevise": 3 },
  "foo": 1,
}`;
    const error = await errorOf(folders.load(text));
    expect(error.problems.map(({ path, line }) => [path, line])).toEqual([
      ['foo', 9],
      ['port', 4],
      ['auth.isuer', 5],
      ['auth.issuer', 5],
      ['auth.scopes', 6],
      ['limits.callsPerDevise', 8],
    ]);
    expect(error.message).toContain(`The config in ${join(folders.cwd, FILE)} has 6 problems:`);
    expect(error.message).toContain('auth.isuer (line 5): unknown key; did you mean "issuer"?');
    expect(error.message).toContain('limits.callsPerDevise (line 8): unknown key; did you mean "callsPerDevice"?');
    expect(error.message).toContain('foo (line 9): unknown key; remove it, or write one of mode, auth, port');
  });

  it.each(['constructor', '__proto__', 'toString'])('does not miss the key %s', async (key) => {
    expect(await folders.problems(`{"mode": "relay", "${key}": {}}`)).toEqual([
      expect.stringContaining(`${key}: unknown key`),
    ]);
  });

  it.each([
    ['{\n  "mode": "relay"\n  "port": 1\n}', 3, 'column 3: not valid JSON, expected a comma before this'],
    ['{ "mode": relay }', 1, 'column 11: not valid JSON, expected a value'],
    ['{ mode: "relay" }', 1, 'column 3: not valid JSON'],
    ['{ "mode": "relay', 1, 'column 11: not valid JSON, expected " to end the text'],
    ['{ "mode": "relay"', 1, 'not valid JSON, expected } to close the object'],
    ['', 1, 'column 1: not valid JSON, expected a'],
    ['{} {}', 1, 'column 4: not valid JSON, expected the end'],
    ["{ 'mode': 'relay' }", 1, 'column 3: not valid JSON'],
    ['{ "dataDir": "C:\\data" }', 1, 'expected \\\\ for a backslash'],
    ['{ "mode": "relay", /* x }', 1, 'expected */ to end the comment'],
    ['[', 1, 'expected ] to close the array'],
  ])('that is not JSON shows where: %j', async (text, line, message) => {
    const { problems } = await errorOf(folders.load(text));
    expect(problems).toEqual([{ path: '', line, message: expect.stringContaining(message) }]);
  });

  it.each(['[]', '"relay"', 'null', '5'])('that is %s is refused with an example', async (text) => {
    expect(await folders.problems(text)).toEqual([
      expect.stringMatching(/: must be an object; write:\n\{\n {2}"mode"/),
    ]);
  });

  it('with a key written twice is refused', async () => {
    const text = '{ "mode": "relay",\n "auth": { "issuer": "https://a.b",\n "issuer": "https://c.d" } }';
    const { problems } = await errorOf(folders.load(text));
    expect(problems).toEqual([{ path: 'auth.issuer', line: 3, message: 'written twice; remove one of the two' }]);
  });

  it.each([{}, { mode: 'server' }, { mode: 5 }])('%j is told the two modes', async (config) => {
    expect(await folders.problems(config)).toEqual([
      expect.stringMatching(/^mode: is .*"relay" on the server .*"agent" on the machine/),
    ]);
  });

  it('of the other mode is told the command', async () => {
    expect(await folders.problems(relay, { mode: 'agent' })).toEqual([
      expect.stringContaining(
        'mode: is "relay" but this command needs the config of an agent; run `mcp-local-tunnel relay`',
      ),
    ]);
    expect(await folders.problems(agent, { mode: 'relay' })).toEqual([expect.stringContaining('mode: is "agent"')]);
  });

  it('never repeats a value', async () => {
    const secret = 'hush-hush';
    const bad = [
      {
        ...relay,
        secret,
        auth: { issuer: secret, clientSecret: [secret], scopes: secret },
        port: secret,
        dataDir: [secret],
      },
      { ...agent, relay: `https://u:${secret}@x.y`, name: `${secret}!`, servers: { a: secret } },
      withServer({
        command: secret,
        url: `http://u:${secret}@x`,
        env: { A: `\${${secret}!}` },
        headers: { A: `${secret}\n` },
      }),
      `{ "mode": "relay", "secret": "${secret}" "x" }`,
      { mode: secret },
    ];
    for (const config of bad) expect((await errorOf(folders.load(config))).message).not.toContain(secret);
    const quoted = `'{"secret": "${secret}"}'`;
    const { message } = await errorOf(folders.find({ env: { MCP_LOCAL_TUNNEL_CONFIG: quoted } }));
    expect(message).not.toContain(secret);
    expect(message).toContain('neither a file nor JSON text');
  });
});

describe('sources', () => {
  const write = (path: string, port: number) => writeFileSync(path, `{"mode":"relay","port":${port}}`);
  const portOf = async (options: LoadOptions) => {
    const config = await folders.find(options);
    return config.mode === 'relay' ? config.port : undefined;
  };

  it('are the flag, the variable, the working folder, the user folder, in this order', async () => {
    const file = join(folders.root, 'flag.json');
    const fromVariable = join(folders.root, 'variable.json');
    write(file, 1);
    write(fromVariable, 2);
    write(join(folders.cwd, FILE), 3);
    write(join(folders.userDir, FILE), 4);
    const env = { MCP_LOCAL_TUNNEL_CONFIG: fromVariable };
    expect(await portOf({ file, env })).toBe(1);
    expect(await portOf({ file: '../flag.json', env })).toBe(1);
    expect(await portOf({ env })).toBe(2);
    expect(await portOf({ env: { MCP_LOCAL_TUNNEL_CONFIG: ' // c\n{"mode":"relay","port":5}' } })).toBe(5);
    expect(await portOf({ env: { MCP_LOCAL_TUNNEL_CONFIG: '' } })).toBe(3);
    rmSync(join(folders.cwd, FILE));
    expect(await portOf({})).toBe(4);
  });

  it('may begin with a byte order mark', async () => {
    expect(await folders.load(`\uFEFF${JSON.stringify(relay)}`)).toMatchObject(relay);
  });

  it('that were named must be there', async () => {
    const missing = await errorOf(folders.find({ file: 'no.json' }));
    expect(missing.message).toContain(`--config names ${join(folders.cwd, 'no.json')}, which does not exist`);
    const variable = await errorOf(folders.find({ env: { MCP_LOCAL_TUNNEL_CONFIG: 'no.json' } }));
    expect(variable.message).toContain('MCP_LOCAL_TUNNEL_CONFIG names');
    const folder = await errorOf(folders.find({ file: '.' }));
    expect(folder.message).toContain('is a folder');
  });

  it('that are nowhere are listed, with an example for the command', async () => {
    const { message } = await errorOf(folders.find({ mode: 'agent' }));
    expect(message).toContain('No config found');
    for (const place of ['--config', 'MCP_LOCAL_TUNNEL_CONFIG', join(folders.cwd, FILE), join(folders.userDir, FILE)]) {
      expect(message).toContain(place);
    }
    expect(message).toContain('"mode": "agent"');
    expect(message).not.toContain('"mode": "relay"');
    expect((await errorOf(folders.find())).message).toContain('"mode": "relay"');
  });

  it('make the profile: one per file whatever the way to it, one per device for text', async () => {
    const text = JSON.stringify(agent);
    writeFileSync(join(folders.root, 'one.json'), text);
    writeFileSync(join(folders.root, 'two.json'), text);
    symlinkSync(join(folders.root, 'one.json'), join(folders.root, 'link.json'));
    const profile = async (options: LoadOptions) => {
      const config = await folders.find(options);
      return config.mode === 'agent' ? config.profile : undefined;
    };
    const one = await profile({ file: join(folders.root, 'one.json') });
    expect(await profile({ file: '../one.json' })).toBe(one);
    expect(await profile({ file: join(folders.root, 'link.json') })).toBe(one);
    expect(await profile({ file: join(folders.root, 'two.json') })).not.toBe(one);
    const inline = await profile({ env: { MCP_LOCAL_TUNNEL_CONFIG: text } });
    const edited = JSON.stringify(withServer({ command: ['sh'] }));
    const renamed = JSON.stringify({ ...agent, name: 'other' });
    expect(inline).not.toBe(one);
    expect(await profile({ env: { MCP_LOCAL_TUNNEL_CONFIG: edited } })).toBe(inline);
    expect(await profile({ env: { MCP_LOCAL_TUNNEL_CONFIG: renamed } })).not.toBe(inline);
  });
});
