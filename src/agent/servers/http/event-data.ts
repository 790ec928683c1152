import { Buffer } from 'node:buffer';

const LINE_FEED = Buffer.from('\n');
/** So many lines become one buffer: a line of one byte costs a hundred. */
const LINES = 1024;
/** What is kept of each end of data that is too long. */
const ENDS_BYTES = 4096;

/** The data of one event, over the limit only both its ends. */
export type Data =
  | { readonly kind: 'whole' /** Some of them joined. */; readonly lines: readonly Buffer[]; readonly json: Buffer }
  | { readonly kind: 'overlong'; readonly head: Buffer; readonly tail: Buffer; readonly bytes: number };

/** Gathers the `data` lines of one event. What comes without end takes no memory beyond the limit. */
export class EventData {
  /** What came first, many lines in each. */
  #groups: Buffer[] = [];
  #lines: Buffer[] = [];
  #bytes = 0;
  #head: Buffer | undefined;

  constructor(private readonly limit: number) {}

  add(value: Buffer): void {
    const first = this.#lines.length + this.#groups.length === 0;
    this.#bytes += first ? value.length : LINE_FEED.length + value.length;
    this.#lines.push(value);
    if (this.#bytes > this.limit) {
      this.#head ??= Buffer.from(joined([...this.#groups, ...this.#lines]).subarray(0, ENDS_BYTES));
      this.#groups = [];
      this.#lines = [Buffer.from(value.subarray(-ENDS_BYTES))];
    } else if (this.#lines.length === LINES) {
      this.#groups.push(joined(this.#lines));
      this.#lines = [];
    }
  }

  /** All of it; the next event begins. */
  take(): Data {
    const [lines, head, bytes] = [[...this.#groups, ...this.#lines], this.#head, this.#bytes];
    this.#groups = [];
    this.#lines = [];
    this.#bytes = 0;
    this.#head = undefined;
    const json = joined(lines);
    return head === undefined ? { kind: 'whole', lines, json } : { kind: 'overlong', head, tail: json, bytes };
  }
}

/** Lines with a line feed between each two. */
export function joined(lines: readonly Buffer[]): Buffer {
  const [only] = lines;
  if (only && lines.length === 1) return only;
  return Buffer.concat(lines.flatMap((line, index) => (index === 0 ? [line] : [LINE_FEED, line])));
}
