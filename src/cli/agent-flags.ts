import { Flags } from '@oclif/core';
import { logFlags } from './base-command.js';

/** Flags by which a relay that is not on this machine may be reached without TLS. */
export const insecureFlag = {
  insecure: Flags.boolean({
    summary: 'Allow plain http:// to a relay on another machine. Anyone on the way can read it.',
  }),
};

export const browserFlag = {
  browser: Flags.boolean({
    allowNo: true,
    summary: 'Log in with a browser on this machine; default: when there is one. Without, a code is typed elsewhere.',
  }),
};

/** Flags of `agent`, and of the command that stands in for it. */
export const agentFlags = {
  ...logFlags,
  ...insecureFlag,
  ...browserFlag,
  stdio: Flags.boolean({
    summary: 'Be an MCP server on standard input and output, with the agent in the background.',
    exclusive: ['foreground'],
  }),
  foreground: Flags.boolean({
    summary: 'Run the agent here, also when a program started it.',
    exclusive: ['stdio'],
  }),
  // How the agent in the background is started.
  daemon: Flags.boolean({ hidden: true, exclusive: ['stdio', 'foreground'] }),
};
