// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the config look so
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { agent, Folders, relay, withServer } from '../../test/cli/config-folders.js';

const folders = new Folders();

describe('an agent', () => {
  it('has every default', async () => {
    const { name: _, ...noName } = agent;
    const config = await folders.load({
      ...noName,
      servers: { shell: { command: ['sh'] }, web: { url: 'http://127.0.0.1:1/mcp' } },
    });
    expect(config).toEqual({
      mode: 'agent',
      relay: 'https://relay.example.com',
      name: expect.stringMatching(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/),
      servers: {
        shell: { command: ['sh'], env: {}, disabled: false },
        web: { url: 'http://127.0.0.1:1/mcp', headers: {}, disabled: false },
      },
      clientFit: true,
      insecure: false,
      profile: expect.stringMatching(/^[0-9a-f]{12}$/),
      stateDir: folders.userDir,
    });
  });

  it('takes every field', async () => {
    const shell = { command: ['npx', '-y', ''], env: { A: '1' }, cwd: folders.root, disabled: true, timeout: 0.5 };
    const web = {
      url: 'https://example.com/mcp?x=1',
      headers: { 'X-Key': 'v' },
      disabled: false,
      timeout: 60,
      era: 'modern',
      isolation: 'client',
      isolationIdleSeconds: 60,
      roots: ['file:///srv/a%20b'],
      sampling: true,
    };
    const config = await folders.load({ ...agent, clientFit: false, servers: { shell, constructor: web } });
    expect(config).toMatchObject({ name: 'laptop', clientFit: false, servers: { shell } });
    expect(config.mode === 'agent' && Object.entries(config.servers)).toEqual([
      ['shell', shell],
      ['constructor', web],
    ]);
  });

  it.each([
    ['relay.example.com', 'https://relay.example.com'],
    ['relay.example.com:8443', 'https://relay.example.com:8443'],
    ['https://relay.example.com/', 'https://relay.example.com'],
    ['https://Relay.Example.com/mcp', 'https://relay.example.com'],
    ['wss://relay.example.com/ws', 'https://relay.example.com'],
    ['ws://127.0.0.1:3000', 'http://127.0.0.1:3000'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
    ['localhost:3000', 'http://localhost:3000'],
    ['https://localhost:3000', 'https://localhost:3000'],
  ])('reaches %s at %s', async (given, origin) => {
    expect(await folders.load({ ...agent, relay: given })).toMatchObject({ relay: origin });
  });

  it('goes to another machine in plain text only by the flag', async () => {
    const config = { ...agent, relay: 'ws://relay.example.com' };
    expect(await folders.problems(config)).toEqual([expect.stringContaining('relay: plain http:// and ws:// are for')]);
    expect(await folders.load(config, { insecure: true })).toMatchObject({
      relay: 'http://relay.example.com',
      insecure: true,
    });
  });

  it('finds folders.cwd from the folder of the file, and the home folder', async () => {
    expect(await folders.load(withServer({ command: ['sh'], cwd: 'x' }))).toMatchObject({
      servers: { shell: { cwd: join(folders.cwd, 'x') } },
    });
    expect(await folders.load(withServer({ command: ['sh'], cwd: '~' }))).toMatchObject({
      servers: { shell: { cwd: homedir() } },
    });
  });

  it('makes file URIs of roots', async () => {
    const roots = ['/srv/a b', '~/project', 'sub', 'file:///srv'];
    const urls = ['/srv/a b', join(homedir(), 'project'), join(folders.cwd, 'sub'), '/srv'].map(
      (path) => pathToFileURL(path).href,
    );
    expect(await folders.load(withServer({ command: ['sh'], roots }))).toMatchObject({
      servers: { shell: { roots: urls } },
    });
    expect(await folders.load(withServer({ command: ['sh'], roots: [] }))).toMatchObject({
      servers: { shell: { roots: [] } },
    });
  });

  it.each([
    [{ relay: undefined }, 'relay: is missing; write the relay\'s domain, as "relay.example.com"'],
    [{ relay: '' }, 'relay: must be text'],
    [{ relay: 5 }, 'relay: must be text'],
    [{ relay: 'ftp://x' }, 'relay: not an http or ws URL'],
    [{ relay: 'a b' }, 'relay: not a domain or URL'],
    [{ relay: 'https://x.y/path' }, 'relay: has a path'],
    [{ relay: 'https://u:hush@x.y' }, 'relay: holds a user name or password'],
    [{ name: 'My Laptop' }, 'name: must be at most 20 lower-case letters and digits'],
    [{ name: 'x'.repeat(21) }, 'name: must be'],
    [{ name: 'a__b' }, 'name: must be'],
    [{ name: '' }, 'name: must be'],
    [{ servers: undefined }, 'servers: is missing; write { "<name>": { "command":'],
    [{ servers: [] }, 'servers: must be an object'],
    [{ servers: { shell: [] } }, 'servers.shell: must be an object'],
    [{ servers: { shell: 'sh' } }, 'servers.shell: must be an object'],
    [{ servers: { My_Shell: { command: ['sh'] } } }, "servers.My_Shell: a server's name is at most 20"],
    [{ servers: { My_Shell: { command: ['sh'] } } }, 'write "my-shell"'],
    [{ servers: { status: { command: ['sh'] } } }, 'servers.status: "status" is a tool of the relay'],
    [{ servers: { restart: { command: ['sh'] } } }, 'servers.restart: "restart" is a tool of the relay'],
    [{ clientFit: 'yes' }, 'clientFit: must be true or false; write false to tell every client'],
    [{ clientfit: true }, 'clientfit: unknown key; did you mean "clientFit"?'],
    [{ insecure: true }, 'insecure: unknown key; run with --insecure instead'],
    [{ mcpServers: {} }, 'mcpServers: unknown key; did you mean "servers"?'],
  ])('refuses %j', async (given, expected) => {
    const problems = await folders.problems({ ...agent, ...given });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(expected);
  });

  it.each([
    [{}, ': has neither "command" nor "url"'],
    [{ command: ['sh'], url: 'http://x' }, ': has both "command" and "url"'],
    [{ command: 'npx x' }, '.command: must be an array: the program, then its arguments; write ["npx"'],
    [{ command: [] }, '.command: must be an array'],
    [{ command: [''] }, '.command: must be an array'],
    [{ command: ['sh', 5] }, '.command: must be an array'],
    [{ command: ['sh'], args: ['x'] }, '.args: unknown key; write program and arguments as one array'],
    [
      { command: ['sh'], env: { A: 1 } },
      '.env: must be variables and their text; write { "NAME": "text" }, with numbers',
    ],
    [{ command: ['sh'], env: [] }, '.env: must be'],
    [{ command: ['sh'], env: { 'A=B': 'x' } }, '.env: must be'],
    [{ command: ['sh'], cwd: 5 }, '.cwd: must be the path of a folder'],
    [{ command: ['sh'], headers: {} }, '.headers: goes with "url" only'],
    [{ command: ['sh'], disabled: 'no' }, '.disabled: must be true or false'],
    [{ command: ['sh'], timeout: 0 }, '.timeout: must be seconds'],
    [{ command: ['sh'], timeout: '5' }, '.timeout: must be seconds'],
    [{ command: ['sh'], era: 'old' }, '.era: must be "auto", "legacy" or "modern"; write "auto"'],
    [{ command: ['sh'], eras: 'auto' }, '.eras: unknown key; did you mean "era"?'],
    [{ command: ['sh'], protocolVersion: '2025-11-25' }, '.protocolVersion: unknown key; did you mean "era"?'],
    [{ command: ['sh'], isolation: true }, '.isolation: must be "shared" or "client"; write "client"'],
    [{ command: ['sh'], Isolation: 'client' }, '.Isolation: unknown key; did you mean "isolation"?'],
    [{ url: 'http://x', isolation: 'client', isolationIdleSeconds: 0 }, '.isolationIdleSeconds: must be seconds'],
    [{ url: 'http://x', isolationIdleSeconds: 5 }, '.isolationIdleSeconds: goes with "isolation": "client" only'],
    [{ command: ['sh'], roots: '~' }, '.roots: must be an array of folders'],
    [{ command: ['sh'], roots: [''] }, '.roots: must be an array of folders'],
    [{ command: ['sh'], roots: ['https://x/y'] }, '.roots: must be an array of folders'],
    [{ command: ['sh'], roots: ['file://['] }, '.roots: must be an array of folders'],
    [{ command: ['sh'], root: ['~'] }, '.root: unknown key; did you mean "roots"?'],
    [{ command: ['sh'], sampling: 'yes' }, '.sampling: must be true or false; write true to let'],
    [{ command: ['sh'], samplings: true }, '.samplings: unknown key; did you mean "sampling"?'],
    [{ url: 'localhost:8080' }, '.url: not an http or https URL'],
    [{ url: 'ws://x' }, '.url: not an http or https URL'],
    [{ url: 'http://u:hush@x' }, '.url: holds a user name or password'],
    [{ url: 'http://x', env: {} }, '.env: goes with "command" only'],
    [{ url: 'http://x', cwd: 'x' }, '.cwd: goes with "command" only'],
    [{ url: 'http://x', headers: { A: 'x\r\nB: y' } }, '.headers: must be HTTP headers and their text'],
    [{ url: 'http://x', headers: { 'a b': 'x' } }, '.headers: must be HTTP headers'],
    [{ url: 'http://x', headers: 'A: b' }, '.headers: must be HTTP headers'],
  ])('refuses the server %j', async (server, expected) => {
    const problems = await folders.problems(withServer(server));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`servers.shell${expected}`);
  });
});

describe('variables', () => {
  const env = { TOKEN: 't0ken', EMPTY: '' };

  it('stand in env, headers and secrets, and nowhere else', async () => {
    const shell = { command: ['echo', '${TOKEN}'], env: { A: 'x${TOKEN}y', B: '${EMPTY}', C: '$${TOKEN} $HOME' } };
    const web = { url: 'http://x', headers: { Authorization: 'Bearer ${TOKEN}' } };
    expect(await folders.load({ ...agent, servers: { shell, web } }, { env })).toMatchObject({
      servers: {
        shell: { command: ['echo', '${TOKEN}'], env: { A: 'xt0keny', B: '', C: '${TOKEN} $HOME' } },
        web: { headers: { Authorization: 'Bearer t0ken' } },
      },
    });
    const auth = { issuer: 'https://a.b', clientSecret: '${TOKEN}' };
    const secret = { S: 's'.repeat(40), ...env };
    expect(await folders.load({ ...relay, auth, secret: '${S}' }, { env: secret })).toMatchObject({
      auth: { clientSecret: 't0ken' },
      secret: 's'.repeat(40),
    });
  });

  it('that are not set are each told', async () => {
    const shell = { command: ['sh'], env: { A: '${NOPE}' } };
    const web = { url: 'http://x', headers: { A: 'Bearer ${NADA}${NOPE}' } };
    expect(await folders.problems({ ...agent, servers: { shell, web } })).toEqual([
      expect.stringContaining('servers.shell.env.A: the environment has no NOPE; set it'),
      expect.stringContaining('servers.web.headers.A: the environment has no NADA, NOPE; set it'),
    ]);
    expect(await folders.problems({ ...relay, secret: '${NOPE}' })).toEqual([
      expect.stringContaining('secret: the environment has no NOPE'),
    ]);
  });

  it('must be plain names', async () => {
    for (const value of ['${A:-x}', '${', '${}', '${1}']) {
      expect(await folders.problems(withServer({ command: ['sh'], env: { A: value } }))).toEqual([
        expect.stringContaining('servers.shell.env.A: ${ is not followed by a variable'),
      ]);
    }
  });
});
