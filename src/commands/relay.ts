import { Flags } from '@oclif/core';
import { BaseCommand, logFlags } from '../cli/base-command.js';
import { tuneCollector } from '../cli/collector.js';
import { untilSignalled } from '../cli/signals.js';
import { UsageError } from '../cli/usage-error.js';
import { loadConfig } from '../config/load.js';

export default class Relay extends BaseCommand {
  static override readonly summary = 'Run the relay: the public address that MCP clients and agents connect to.';
  static override readonly examples = ['<%= config.bin %> relay', '<%= config.bin %> relay --config relay.json'];
  static override readonly flags = {
    ...logFlags,
    'reset-owner': Flags.boolean({
      summary: "Print a one-time link that sets a new name and password for the relay's own account.",
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Relay);
    const config = await loadConfig({ file: flags.config, mode: 'relay' });
    const resetOwner = flags['reset-owner'];
    if (resetOwner && config.auth !== undefined) {
      throw new UsageError(
        `This relay has no account of its own: people sign in at ${config.auth.issuer}. Reset it there.`,
      );
    }
    tuneCollector('relay');
    const logger = await this.createLogger(flags);
    const { runRelay } = await import('../relay/relay.js');
    await untilSignalled((signal) => runRelay(config, { signal, logger, resetOwner }));
  }
}
