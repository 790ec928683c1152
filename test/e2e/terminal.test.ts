import { expect, test } from 'vitest';
import { gated, System } from '../helpers/system.js';

// biome-ignore lint/suspicious/noControlCharactersInRegex: colour is what it is about
const COLOUR = /\u001b\[\d+m/g;

test.runIf(process.platform === 'linux')(
  'the first agent at a terminal logs in by itself, then tells calls in colour until Ctrl-C',
  async () => {
    await using system = await System.start();
    const machine = await system.machine({ servers: { work: gated() } });
    const agent = machine.startAtTerminal('--no-browser');
    await machine.approve(agent);
    await agent.line(/logged in as .*alice/);
    await Promise.all([agent.line(/online at/), agent.line(/server work ready/)]);

    await using client = await system.client();
    await client.listed('work__whoami');
    await client.call('work__whoami', { secret: 'swordfish' });
    const [line] = await agent.line(/.*work whoami: ok.*/);
    expect(line).toMatch(COLOUR);
    expect(line.replaceAll(COLOUR, '')).toMatch(/^\d\d:\d\d:\d\d info +calls work whoami: ok ms=\d+ bytes=\d+$/);
    expect(agent.output).not.toContain('swordfish');

    agent.type('\u0003', '');
    expect(await agent.ended).toEqual({ code: 0, signal: null });
  },
);
