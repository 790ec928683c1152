import { agentFlags } from '../cli/agent-flags.js';
import { BaseCommand } from '../cli/base-command.js';
import { tuneCollector } from '../cli/collector.js';
import { untilSignalled } from '../cli/signals.js';
import { stdinIsProgram } from '../cli/terminal.js';
import { terminalLogin } from '../cli/terminal-login.js';
import { loadConfig } from '../config/load.js';

export default class Agent extends BaseCommand {
  static override readonly summary = 'Run the agent: offer the MCP servers of this machine through the relay.';
  static override readonly description =
    'In a terminal, under systemd and in a container it runs until it is stopped. In a terminal it logs in first where\n' +
    'nobody has; elsewhere it ends with status 3 then.\n' +
    'Where an MCP client starts it (standard input is a pipe), it is an MCP server that keeps one agent in the background.';
  static override readonly examples = ['<%= config.bin %> agent', '<%= config.bin %> agent --config agent.json'];
  static override readonly flags = agentFlags;

  async run(): Promise<void> {
    const { flags } = await this.parse(Agent);
    const config = await loadConfig({ file: flags.config, mode: 'agent', insecure: flags.insecure });
    tuneCollector('agent');
    if (flags.daemon) {
      const { createLogger } = await import('../log/create-logger.js');
      const { runDaemon } = await import('../agent/session/daemon.js');
      const toFile = { level: flags['log-level'], format: flags['log-format'], color: false };
      return untilSignalled((signal) =>
        runDaemon(config, { signal, logger: (destination) => createLogger({ ...toFile, destination }) }),
      );
    }
    const logger = await this.createLogger(flags);
    if (flags.stdio || (!flags.foreground && stdinIsProgram())) {
      const { runStdioEntry } = await import('../agent/session/stdio-entry.js');
      const given = flags.config === undefined ? {} : { configArgument: flags.config };
      return untilSignalled((signal) => runStdioEntry(config, { signal, logger, ...given }));
    }
    const { runAgent } = await import('../agent/foreground.js');
    // Under systemd and in a container nobody reads the address, so the first login is `login`'s.
    const offersLogin = process.stdin.isTTY || flags.browser === true;
    const login = offersLogin && { login: terminalLogin(flags.browser) };
    await untilSignalled((signal) => runAgent(config, { signal, logger, ...login }));
  }
}
