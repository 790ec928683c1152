import { insecureFlag } from '../cli/agent-flags.js';
import { BaseCommand } from '../cli/base-command.js';
import { interruptible } from '../cli/signals.js';
import { loadConfig } from '../config/load.js';

export default class Logout extends BaseCommand {
  static override readonly summary = 'End the login of this machine at its relay.';
  static override readonly examples = ['<%= config.bin %> logout'];
  static override readonly enableJsonFlag = true;
  static override readonly flags = insecureFlag;

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Logout);
    const config = await loadConfig({ file: flags.config, mode: 'agent', insecure: flags.insecure });
    const { logout } = await import('../agent/login.js');
    const result = await interruptible((signal) => logout(config, { signal }));
    this.log(result.wasLoggedIn ? `Logged out at ${result.relay}.` : `There was no login at ${result.relay}.`);
    if (result.problem !== undefined) this.logToStderr(result.problem);
    return result;
  }
}
