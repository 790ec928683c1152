import { browserFlag, insecureFlag } from '../cli/agent-flags.js';
import { BaseCommand } from '../cli/base-command.js';
import { interruptible } from '../cli/signals.js';
import { terminalLogin } from '../cli/terminal-login.js';
import { loadConfig } from '../config/load.js';
import { printable } from '../log/printable.js';

export default class Login extends BaseCommand {
  static override readonly summary = 'Log this machine in at its relay.';
  static override readonly examples = ['<%= config.bin %> login', '<%= config.bin %> login --no-browser'];
  static override readonly enableJsonFlag = true;
  static override readonly flags = { ...insecureFlag, ...browserFlag };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Login);
    const config = await loadConfig({ file: flags.config, mode: 'agent', insecure: flags.insecure });
    const { login } = await import('../agent/login.js');
    const showCode = this.jsonEnabled() && { showCode: (code: object) => this.logJson(code) };
    const result = await interruptible((signal) =>
      login(config, { ...terminalLogin(flags.browser), ...showCode, signal }),
    );
    this.log(`Logged in at ${result.relay}${result.account === undefined ? '' : ` as ${printable(result.account)}`}.`);
    return result;
  }

  /** One object a line: without a browser the code to type comes first, the result later. */
  protected override logJson(json: unknown): void {
    process.stdout.write(`${JSON.stringify(json)}\n`);
  }
}
