import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { expectNoneLeft, processesOf } from '../helpers/program.js';
import { tempFolder } from '../helpers/temp.js';

const DEMO = fileURLToPath(new URL('../../scripts/demo/demo.mjs', import.meta.url));

test.runIf(process.platform !== 'win32')(
  'the demo calls a tool of each server, tells how to add it, and leaves nothing behind at Ctrl-C',
  async () => {
    await using folder = await tempFolder('demo');
    // A group of its own, since a terminal's Ctrl-C goes to all of the group.
    const demo = spawn(process.execPath, [DEMO], {
      detached: true,
      env: { ...process.env, TMPDIR: folder.path },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void demo.kill());
    const closed = once(demo, 'close');
    const lines: string[] = [];
    for await (const line of createInterface({ input: demo.stdout })) {
      lines.push(line);
      if (!line.includes('Ctrl-C') || demo.pid === undefined) continue;
      expect(await readdir(folder.path)).toHaveLength(1);
      expect((await processesOf(folder.path)).length).toBeGreaterThanOrEqual(3);
      process.kill(-demo.pid, 'SIGINT');
    }
    expect(await closed).toEqual([0, null]);

    const output = lines.join('\n');
    const [, endpoint = ''] = /^Endpoint +(http:\/\/localhost:\d+\/mcp)$/m.exec(output) ?? [];
    expect(output).toContain('files__read_text_file → Hello from a file on this machine.');
    expect(output).toContain('everything__echo → Echo: there and back again');
    expect(output).toContain(`claude mcp add --transport http demo ${endpoint} && claude mcp login demo`);
    expect(output).toContain(`{ "mcp": { "demo": { "type": "remote", "url": "${endpoint}" } } }`);
    expect(output).toContain(`{ "mcpServers": { "demo": { "url": "${endpoint}" } } }`);

    await expectNoneLeft(folder.path);
    expect(await readdir(folder.path)).toEqual([]);
  },
  60_000,
);
