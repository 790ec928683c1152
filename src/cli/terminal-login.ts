import { canOpenBrowser } from '../config/environment.js';

/** How a login asks and tells at this terminal. @param browser what the flag says; absent: whether this machine can open one */
export function terminalLogin(browser: boolean | undefined): {
  readonly browser: boolean;
  readonly notify: (text: string) => void;
} {
  return {
    browser: browser ?? canOpenBrowser(),
    // Standard output is for the result.
    notify: (text) => void process.stderr.write(`${text}\n`),
  };
}
