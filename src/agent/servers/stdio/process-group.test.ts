import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { endProcessGroup } from './process-group.js';

/**
 * Leads a group until its stdin ends. In the group is a process that ends at once, and whose parent, in a group of its
 * own by then, never asks after it: so it stays in the group, as in a container whose first process does not look.
 */
const UNASKED = `
  if (!fork) {
    if (!fork) { exit }
    setpgrp; $| = 1; print "$$\\n"; sleep 60; exit;
  }
  <STDIN>`;

describe.skipIf(process.platform !== 'linux')('endProcessGroup', () => {
  afterEach(() => void vi.restoreAllMocks());

  it('does not wait for one that has ended and that no one asks after', async () => {
    const child = spawn('perl', ['-e', UNASKED], { detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    const kill = vi.spyOn(process, 'kill');
    try {
      await endProcessGroup(child, 'linux');
      expect(kill.mock.results.some(({ type }) => type === 'return')).toBe(true); // its group was there to the end
      expect(kill.mock.calls.filter(([, signal]) => signal !== 0)).toEqual([]);
    } finally {
      process.kill(Number(said), 'SIGKILL');
    }
  });
});
