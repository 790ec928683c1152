import { Args } from '@oclif/core';
import { agentFlags } from '../cli/agent-flags.js';
import { commands } from '../cli/argv.js';
import { BaseCommand } from '../cli/base-command.js';
import { UsageError } from '../cli/usage-error.js';
import { loadConfig } from '../config/load.js';
import { nearest } from '../config/nearest.js';

/** What runs when no command is given (see cli/argv.ts). */
export default class Start extends BaseCommand {
  static override readonly summary = 'Run the relay or the agent, as the config\'s "mode" says.';
  static override readonly hidden = true;
  // Those of the relay are every command's; the mode's command looks at them again.
  static override readonly flags = agentFlags;
  // Standard input may be an MCP client's: oclif would read an argument that is missing from there.
  static override readonly args = { word: Args.string({ hidden: true, ignoreStdin: true }) };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Start);
    if (args.word !== undefined) throw new UsageError(noCommand(args.word));
    const { mode } = await loadConfig({ file: flags.config, insecure: flags.insecure });
    await this.config.runCommand(mode, this.argv);
  }
}

function noCommand(word: string): string {
  if (/[./\\]/.test(word)) return `There is no command ${word}. To name a config file, write --config ${word}`;
  const close = nearest(word, commands);
  return `There is no command ${word}. ${close === undefined ? 'See mcp-local-tunnel --help' : `Did you mean ${close}?`}`;
}
