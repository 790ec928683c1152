import type { Buffer } from 'node:buffer';
import { StringDecoder } from 'node:string_decoder';
import { printable } from '../../../log/printable.js';

const LINES = 20;
const CHARACTERS = 8 * 1024;

/** Keeps the last 20 lines of what a server writes to stderr, 8 KiB at most. For the machine's owner, never for clients. */
export class StderrTail {
  #lines: string[] = [];
  #characters = 0;
  #open = '';
  readonly #decoder = new StringDecoder('utf8');

  push(chunk: Buffer): void {
    const parts = (this.#open + this.#decoder.write(chunk)).split(/\r\n|\n|\r/);
    this.#open = (parts.pop() ?? '').slice(0, CHARACTERS);
    for (const part of parts) this.#keep(part);
  }

  lines(): readonly string[] {
    return this.#open.trim() ? [...this.#lines, shown(this.#open)].slice(-LINES) : this.#lines;
  }

  #keep(text: string): void {
    if (!text.trim()) return;
    const line = shown(text.slice(0, CHARACTERS)).slice(0, CHARACTERS);
    this.#lines.push(line);
    this.#characters += line.length;
    while (this.#lines.length > LINES || this.#characters > CHARACTERS) {
      this.#characters -= this.#lines.shift()?.length ?? 0;
    }
  }
}

/** Safe for the owner's terminal, with the indents of stack traces. */
function shown(line: string): string {
  return printable(line.replaceAll('\t', '    '));
}
