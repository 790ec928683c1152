import { insecureFlag } from '../cli/agent-flags.js';
import { BaseCommand } from '../cli/base-command.js';
import { exitCodes } from '../cli/exit-codes.js';
import { interruptible } from '../cli/signals.js';
import { statusText } from '../cli/status-text.js';
import { hasColor } from '../cli/terminal.js';
import { loadConfig } from '../config/load.js';

export default class Status extends BaseCommand {
  static override readonly summary = 'Say whether the agent or relay of this config is up, and what is wrong.';
  static override readonly description = 'Exit status: 0 up, 3 not logged in, 4 not up.';
  static override readonly examples = ['<%= config.bin %> status', '<%= config.bin %> status --json'];
  static override readonly enableJsonFlag = true;
  static override readonly flags = insecureFlag;

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Status);
    const config = await loadConfig({ file: flags.config, insecure: flags.insecure });
    const { status } = await import('../agent/status.js');
    const report = await interruptible((signal) => status(config, { signal }));
    if (!report.ok) {
      const loggedIn = report.mode === 'relay' || report.login.status === 'logged_in';
      process.exitCode = loggedIn ? exitCodes.unreachable : exitCodes.notLoggedIn;
    }
    this.log(statusText(report, hasColor(process.stdout, flags['no-color'])));
    return report;
  }
}
