import { fstatSync } from 'node:fs';
import { styleText } from 'node:util';
import { colourWish } from '../config/environment.js';
import { printable } from '../log/printable.js';
import { redactText } from '../log/redact.js';
import type { Failure } from './exit-codes.js';

/** True when text to this stream should be coloured. `--no-color` goes before the environment. */
export function hasColor(stream: NodeJS.WriteStream, noColorFlag: boolean): boolean {
  const wish = noColorFlag ? 'never' : colourWish();
  return wish === 'auto' ? stream.isTTY === true : wish === 'always';
}

/**
 * True when another program holds the other end of standard input, as an MCP client does with its servers. A terminal,
 * a file and /dev/null (systemd, containers) are none.
 */
export function stdinIsProgram(fd = 0): boolean {
  try {
    const stats = fstatSync(fd);
    return stats.isFIFO() || stats.isSocket();
  } catch {
    // Closed: nobody is there.
    return false;
  }
}

/** A failure as text for standard error, ending with a line end. */
export function failureText({ message, stack }: Failure, color: boolean): string {
  const label = color ? styleText(['bold', 'red'], 'Error:', { validateStream: false }) : 'Error:';
  const lines = [`${label} ${message}`, ...(stack === undefined ? [] : ['This is a bug in mcp-local-tunnel.', stack])];
  // Escape sequences come only from the label; line ends of the message are its own.
  const [first = '', ...rest] = lines.join('\n').split('\n');
  const safe = [first.slice(label.length), ...rest].map((line) => printable(redactText(line)));
  return `${label}${safe.join('\n')}\n`;
}
