import { elementSpans, type Member, members, type Span } from '../../../protocol/json-spans.js';
import { besideLongStrings } from '../../../protocol/long-strings.js';

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * Changes to a JSON text as cuts in its bytes: what is not touched stays as it was, integers over 2^53 and key order
 * included, and a 60 MB image beside it is not copied more than once. Spans that are edited must not overlap.
 */
export class SpanEdits {
  readonly #edits: Edit[] = [];

  constructor(readonly json: Buffer) {}

  /** The whole text, without the whitespace around it; undefined when it is no JSON object. */
  root(): EditedObject | undefined {
    return this.object([0, this.json.length]);
  }

  /** The object at `span`; its own edits are made by `commit`. */
  object([start, end]: Span): EditedObject | undefined {
    const list = members(this.json, start, end);
    return list && new EditedObject(this, this.json.indexOf('{', start), list);
  }

  /** The array's elements, or none when it is no array. */
  elements([start, end]: Span): readonly Span[] {
    return elementSpans(this.json, start, end) ?? [];
  }

  /** @param text JSON text */
  replace([start, end]: Span, text: string): void {
    this.#edits.push({ start, end, text });
  }

  /** The value at `span` when it is a string. Anything else is not parsed. */
  string([start, end]: Span): string | undefined {
    if (this.json[start] !== 0x22) return undefined;
    const value: unknown = JSON.parse(this.json.toString('utf8', start, end));
    return typeof value === 'string' ? value : undefined;
  }

  /** The text at `span`, as it stands. */
  raw([start, end]: Span): string {
    return this.json.toString('utf8', start, end);
  }

  /** The text with every edit made: the very buffer that was given when there is none. */
  result(): Buffer {
    if (this.#edits.length === 0) return this.json;
    const parts: Buffer[] = [];
    let at = 0;
    for (const { start, end, text } of this.#edits.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
      parts.push(this.json.subarray(at, start), Buffer.from(text));
      at = end;
    }
    return Buffer.concat([...parts, this.json.subarray(at)]);
  }
}

/** One object whose members come and go. Nothing is changed before `commit`. */
export class EditedObject {
  readonly #dropped = new Set<Member>();
  readonly #added: string[] = [];

  constructor(
    readonly edits: SpanEdits,
    private readonly brace: number,
    readonly members: readonly Member[],
  ) {}

  /** Of a repeated name the last, as JSON.parse has it. */
  get(name: string): Span | undefined {
    const member = this.members.findLast((known) => known.name === name);
    return member && [member.start, member.end];
  }

  string(name: string): string | undefined {
    const span = this.get(name);
    return span && this.edits.string(span);
  }

  /** Whether it will have this member. */
  has(name: string): boolean {
    return this.members.some((member) => member.name === name && !this.#dropped.has(member));
  }

  /** Takes a member out, however often it stands there. */
  drop(name: string): void {
    for (const member of this.members) if (member.name === name) this.#dropped.add(member);
  }

  /** @param text JSON text. A member of that name is the caller's to drop. */
  add(name: string, text: string): void {
    this.#added.push(`${JSON.stringify(name)}:${text}`);
  }

  /** Sets the member: in its place when it is there. */
  set(name: string, text: string): void {
    const span = this.get(name);
    if (span === undefined) this.add(name, text);
    else this.edits.replace(span, text);
  }

  /** No member is left, and none is added. */
  get empty(): boolean {
    return this.#added.length === 0 && this.#dropped.size === this.members.length;
  }

  commit(): void {
    const kept = this.members.length - this.#dropped.size;
    if (this.#added.length > 0) {
      const text = this.#added.join(',') + (kept > 0 ? ',' : '');
      this.edits.replace([this.brace + 1, this.brace + 1], text);
    }
    let first: Member | undefined;
    let before: Member | undefined;
    for (const [index, member] of this.members.entries()) {
      if (!this.#dropped.has(member)) {
        before = member;
        continue;
      }
      first ??= member;
      const next = this.members[index + 1];
      if (next !== undefined && this.#dropped.has(next)) continue;
      // A run of dropped members goes with the comma before it, or, at the beginning, with the one after it.
      const from = before === undefined ? first.keyStart : before.end;
      const to = before === undefined && next !== undefined ? next.keyStart : member.end;
      this.edits.replace([from, to], '');
      first = undefined;
    }
  }
}

/**
 * Whether one of these ASCII texts can occur in a string of the JSON text: it is there, or an escape might hide it.
 * A byte search, so that a large result which no rule concerns is not read. What is looked for is short: it is in no
 * long string.
 */
export function mayHold(json: Buffer, texts: readonly string[]): boolean {
  // To search a short string is quicker than to have its bytes searched.
  if (json.length <= SHORT_BYTES) {
    const short = json.toString('latin1');
    return short.includes(ESCAPE) || texts.some((text) => short.includes(text));
  }
  const parts = besideLongStrings(json);
  return [ESCAPE, ...texts].some((text) => parts.some((part) => part.includes(text)));
}

const ESCAPE = '\\u00';
const SHORT_BYTES = 4096;
