import type { Span } from '../../../protocol/json-spans.js';
import { elementsAt, objectAt } from '../shape/exposure.js';
import { type EditedObject, SpanEdits } from '../shape/span-edits.js';

/** Left free for the marker. */
const MARKER = 500;
const BETWEEN = '\n\n';

/** One text of a result, in the order of its content. */
interface Piece {
  readonly span: Span | undefined;
  readonly text: string;
  /** A block whose whole content is this text, so that it may be shortened. */
  readonly plain: boolean;
  /** Where it begins in the whole text. */
  readonly start: number;
}

/** Keeps the whole text of a cut result. @returns the id under which it is read, or undefined when it cannot be kept */
export type Keep = (text: string) => string | undefined;

/**
 * A tool's result within so many characters of text. Images and links stay; of the texts as much as fits, then a marker
 * that says what is missing and how to get it. Structured content goes, since half of it would be wrong: its text is in
 * the content, where servers put it too (2025-11-25 server/tools, "Structured Content"), or comes to stand there.
 */
export function cutText(json: Buffer, limit: number, keep: Keep): Buffer {
  // A character takes a byte at least.
  if (json.length <= limit) return json;
  const edits = new SpanEdits(json);
  const result = edits.root();
  const content = result?.get('content');
  if (result === undefined || (content === undefined && result.get('structuredContent') === undefined)) return json;
  const kind = result.string('resultType');
  if (kind !== undefined && kind !== 'complete') return json;
  const blocks = elementsAt(result, 'content');
  const pieces = piecesOf(edits, blocks);
  const structured = result.get('structuredContent');
  const length = wholeLength(pieces) + (structured === undefined ? 0 : structured[1] - structured[0]);
  if (length <= limit) return json;
  if (structured !== undefined) {
    result.drop('structuredContent');
    const text = edits.raw(structured);
    if (!pieces.some((piece) => sameJson(piece.text, text))) add(pieces, { span: undefined, text, plain: true });
  }
  // Otherwise it was too long only because it said everything twice.
  if (wholeLength(pieces) > limit) cut(edits, result, blocks, pieces, limit - MARKER, keep);
  result.commit();
  return edits.result();
}

/** The part of a kept text from `from` on, with a marker at its end. */
export function nextPart(text: string, from: number, limit: number, id: string): string {
  const to = boundary(text, Math.min(text.length, from + Math.max(1, limit - MARKER)));
  const shown = text.slice(from, to);
  return to < text.length
    ? shown + marker(from, to, text.length, id)
    : `${shown}\n\n[End: characters ${from} to ${to} of ${text.length}.]`;
}

function piecesOf(edits: SpanEdits, blocks: readonly Span[]): Piece[] {
  const pieces: Piece[] = [];
  for (const span of blocks) {
    const block = edits.object(span);
    if (block === undefined) continue;
    const type = block.string('type');
    if (type === 'text') add(pieces, { span, text: block.string('text') ?? '', plain: true });
    if (type !== 'resource') continue;
    const resource = objectAt(block, 'resource');
    const text = resource?.string('text') ?? resource?.string('blob') ?? '';
    add(pieces, { span, text: `[resource ${resource?.string('uri') ?? ''}]\n${text}`, plain: false });
  }
  return pieces;
}

function add(pieces: Piece[], piece: Omit<Piece, 'start'>): void {
  const last = pieces.at(-1);
  pieces.push({ ...piece, start: last === undefined ? 0 : last.start + last.text.length + BETWEEN.length });
}

function wholeLength(pieces: readonly Piece[]): number {
  const last = pieces.at(-1);
  return last === undefined ? 0 : last.start + last.text.length;
}

function cut(
  edits: SpanEdits,
  result: EditedObject,
  blocks: readonly Span[],
  pieces: readonly Piece[],
  room: number,
  keep: Keep,
): void {
  const whole = pieces.map((piece) => piece.text).join(BETWEEN);
  const to = boundary(whole, room);
  const end = marker(0, to, whole.length, keep(whole));
  const first = pieces.findIndex((piece) => piece.start + piece.text.length > to);
  for (const [index, piece] of pieces.entries()) {
    if (index < first) continue;
    // What a marker follows ends with it; a text that would begin after the cut is gone.
    const text = index === first ? piece.text.slice(0, Math.max(0, to - piece.start)) + end : undefined;
    const block = text === undefined ? undefined : JSON.stringify({ type: 'text', text });
    if (piece.span === undefined) {
      if (block !== undefined) append(edits, result, blocks, block);
    } else if (block !== undefined) edits.replace(piece.span, block);
    else remove(edits, blocks, piece.span);
  }
}

function append(edits: SpanEdits, result: EditedObject, blocks: readonly Span[], block: string): void {
  const content = result.get('content');
  const last = blocks.at(-1);
  if (content === undefined) result.add('content', `[${block}]`);
  else if (last === undefined) edits.replace(content, `[${block}]`);
  else edits.replace([last[1], last[1]], `,${block}`);
}

/** With the comma before it: the first text is never the one to go. */
function remove(edits: SpanEdits, blocks: readonly Span[], span: Span): void {
  const before = blocks[blocks.indexOf(span) - 1];
  if (before !== undefined) edits.replace([before[1], span[1]], '');
}

/** @param id where the rest is kept; undefined: nowhere */
function marker(from: number, to: number, whole: number, id: string | undefined): string {
  const missing = `\n\n[Cut for this client: characters ${from} to ${to} of ${whole}; ${whole - to} are missing.`;
  return id === undefined
    ? `${missing} They are too many to be kept: ask the tool for less.]`
    : `${missing} To read on, call read_more with ${JSON.stringify({ id, from: to })} within 15 minutes.]`;
}

/** Not between the two halves of a character. */
function boundary(text: string, at: number): number {
  const code = text.charCodeAt(at - 1);
  return at < text.length && code >= 0xd800 && code < 0xdc00 ? at - 1 : at;
}

function sameJson(text: string, structured: string): boolean {
  if (text === structured) return true;
  if (!/^\s*[[{]/.test(text)) return false;
  try {
    return JSON.stringify(JSON.parse(text)) === JSON.stringify(JSON.parse(structured));
  } catch {
    return false;
  }
}
