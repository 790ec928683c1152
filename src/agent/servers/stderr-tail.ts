import type { Buffer } from 'node:buffer';
import { StringDecoder } from 'node:string_decoder';

const LINES = 20;
const CHARACTERS = 8 * 1024;

/** Control characters, escape sequences and direction marks: a server must not move the owner's cursor or hide text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is for
const UNSAFE = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Makes one line of foreign text safe to print: each unsafe character as `\xNN` or `\uNNNN`. */
export function terminalSafe(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`;
  });
}

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
    return this.#open.trim() ? [...this.#lines, terminalSafe(this.#open)].slice(-LINES) : this.#lines;
  }

  #keep(text: string): void {
    if (!text.trim()) return;
    const line = terminalSafe(text.slice(0, CHARACTERS)).slice(0, CHARACTERS);
    this.#lines.push(line);
    this.#characters += line.length;
    while (this.#lines.length > LINES || this.#characters > CHARACTERS) {
      this.#characters -= this.#lines.shift()?.length ?? 0;
    }
  }
}
