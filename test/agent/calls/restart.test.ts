import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempFolder } from '../../servers/harness.js';
import { answerOf, bench, clientSide, MODERN } from './harness.js';

describe('§7.37 the relay cannot make the agent start an unconfigured command', () => {
  it('restarts what the config names, and nothing else', async () => {
    const { runner, servers } = await bench();
    const planted = join(await tempFolder(), 'planted');
    const command = [process.execPath, '-e', `require('fs').writeFileSync(${JSON.stringify(planted)}, '')`];
    const ask = async (method: string, params: object, server = '') => {
      const head = { server, method, client: MODERN };
      return answerOf(await runner.run(head, Buffer.from(JSON.stringify(params)), clientSide().output));
    };
    const starts = () => servers.states().map(({ name, starts }) => [name, starts]);
    const before = starts();

    // Names that nobody configured, and commands in their place.
    for (const server of ['other', '', 'Legacy', '../legacy', command.join(' '), '__proto__', 'constructor']) {
      const { kind, value } = await ask('agent/restart', { server, command });
      expect([server, kind, value.code]).toEqual([server, 'error', -32602]);
    }
    // Methods there are not.
    for (const method of ['agent/start', 'agent/add', 'agent/exec', 'agent/config', 'restart']) {
      const { kind, value } = await ask(method, { server: 'legacy', command });
      expect([method, kind, value.code]).toEqual([method, 'error', -32601]);
    }
    // A call of a server there is not.
    expect((await ask('tools/call', { name: 'x', command }, 'other')).value).toMatchObject({ isError: true });
    expect(starts()).toEqual(before);

    // A configured server is started by its own command, whatever else the request says.
    const { kind, value } = await ask('agent/restart', { server: 'legacy', command, args: command, env: { A: 'b' } });
    expect(kind).toBe('result');
    expect(value).toMatchObject({ servers: [{ name: 'legacy', status: 'ready' }] });
    expect(starts()).toEqual(before.map(([name, count]) => [name, name === 'legacy' ? Number(count) + 1 : count]));
    expect(existsSync(planted)).toBe(false);
  });
});
