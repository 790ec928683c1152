import { canOpenBrowser } from '../config/environment.js';
import { LineReader } from './line-reader.js';

/** How a login asks and tells at this terminal. Close it, or the process stays once something was read. */
export class TerminalLogin {
  readonly options: {
    readonly browser: boolean;
    readonly notify: (text: string) => void;
    readonly readPaste: (signal: AbortSignal) => Promise<string | undefined>;
  };
  readonly #lines = new LineReader();

  /** @param browser what the flag says; absent: whether this machine can open one */
  constructor(browser: boolean | undefined) {
    this.options = {
      browser: browser ?? canOpenBrowser(),
      // Standard output is for the result.
      notify: (text) => void process.stderr.write(`${text}\n`),
      readPaste: (signal) => this.#lines.next(signal),
    };
  }

  close(): void {
    this.#lines.close();
  }
}
