import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FUZZ_MS, fuzz } from '../../test/helpers/fuzz.js';
import { Assembler } from './assembler.js';
import { decodeAnswer, decodeAsk, decodeCall } from './call-messages.js';
import { AGENT_FRAMES, decodeFrame, encodeFrame, type Frame, FrameError, FrameType, RELAY_FRAMES } from './frames.js';
import { encodeHeaded, MessageError } from './message-reader.js';
import {
  decodeCancel,
  decodeCatalog,
  decodeDrain,
  decodeHello,
  decodeWelcome,
  decodeWindow,
  encodeWindow,
} from './messages.js';

const MAX_BYTES = 4096;
const MAX_OPEN = 2;
const TYPES: readonly number[] = Object.values(FrameType);
const JSON_BODIES: Readonly<Record<number, (body: Buffer) => unknown>> = {
  [FrameType.hello]: decodeHello,
  [FrameType.welcome]: decodeWelcome,
  [FrameType.catalog]: decodeCatalog,
  [FrameType.drain]: decodeDrain,
  [FrameType.cancel]: decodeCancel,
};

/** What docs/protocol.md says of one frame, in hexadecimal digits. */
function frameOf(hex: string, accept: ReadonlySet<number>) {
  if (hex.length < 36) return 'too_short';
  if (hex.length > 2 * 1024 * 1024) return 'too_large';
  const [, type = '', flags = '', id = '', body = ''] = /^(..)(..)(.{32})(.*)$/s.exec(hex) ?? [];
  if (!accept.has(Number.parseInt(type, 16))) return 'unknown_type';
  if (flags !== '00' && flags !== '01') return 'bad_flags';
  return { type: Number.parseInt(type, 16), more: flags === '01', id, body };
}

type ModelFrame = Exclude<ReturnType<typeof frameOf>, string>;

/** The same of messages in several frames. */
class Model {
  readonly #open: { readonly key: string; readonly bodies: readonly string[] }[] = [];

  /** @returns the whole body in hexadecimal digits; undefined while more is to come; false where it cannot be taken */
  add({ type, more, id, body }: ModelFrame): string | undefined | false {
    const key = `${type} ${id}`;
    const at = this.#open.findIndex((message) => message.key === key);
    const bodies = [...(this.#open[at]?.bodies ?? []), body];
    const whole = bodies.join('');
    if (whole.length / 2 > MAX_BYTES) return false;
    if ((more || at >= 0) && bodies.length > 1024 + whole.length / 2 / 1024) return false;
    if (more && at < 0 && this.#open.length >= MAX_OPEN) return false;
    if (at >= 0) this.#open.splice(at, 1);
    if (more) this.#open.push({ key, bodies });
    return more ? undefined : whole;
  }

  get bytes(): number {
    return this.#open.reduce((sum, { bodies }) => sum + bodies.join('').length / 2, 0);
  }
}

function objectIn(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Head and rest of a body that has a head; undefined where it has none. */
function headed(hex: string) {
  if (hex.length < 8) return undefined;
  const end = 8 + 2 * Number.parseInt(hex.slice(0, 8), 16);
  if (end > hex.length) return undefined;
  const head = objectIn(Buffer.from(hex.slice(8, end), 'hex').toString('utf8'));
  return head === undefined ? undefined : { head, rest: hex.slice(end) };
}

/** Reads a whole message, and holds it against what the bytes plainly say. */
function checkMessage(type: number, body: Buffer, hex: string): void {
  const read = (decode: (body: Buffer) => unknown): unknown => {
    try {
      return decode(body);
    } catch (error) {
      expect(error).toBeInstanceOf(MessageError);
      return undefined;
    }
  };
  const plain = JSON_BODIES[type];
  if (plain !== undefined) {
    if (objectIn(body.toString('utf8')) === undefined) expect(read(plain)).toBeUndefined();
    else read(plain);
  } else if (type === FrameType.window) {
    const limit = hex.length === 16 ? Number(BigInt(`0x${hex}`)) : Number.NaN;
    expect(read(decodeWindow)).toBe(Number.isSafeInteger(limit) ? limit : undefined);
  } else if (type === FrameType.call || type === FrameType.ask || type === FrameType.answer) {
    const decode = { [FrameType.call]: decodeCall, [FrameType.ask]: decodeAsk, [FrameType.answer]: decodeAnswer }[type];
    const expected = headed(hex);
    const found = read(decode);
    if (expected === undefined) expect(found).toBeUndefined();
    if (found === undefined) return;
    const { head, params, json } = found as { head: object; params?: Buffer; json?: Buffer };
    expect((params ?? json)?.toString('hex')).toBe(expected?.rest);
    const client = 'client' in head ? { client: {} } : {};
    expect(expected?.head).toMatchObject({ ...head, ...client });
  }
}

/** Any few bytes, said so often that they reach the length. */
const bytes = (maxLength: number) =>
  fc
    .tuple(fc.uint8Array({ maxLength: 12 }), fc.nat(maxLength))
    .map(([some, length]) => Buffer.alloc(some.length === 0 ? 0 : length, some));
const head = fc.oneof(
  fc.constant({
    server: 'shell',
    method: 'tools/call',
    client: {
      era: 'modern',
      protocolVersion: '2026-07-28',
      endpoint: 'server',
      id: 'c',
      capabilities: {},
      ask: 'mrtr',
    },
  }),
  fc.record({ ask: fc.nat(), method: fc.string() }),
  fc.record({ ask: fc.nat(), kind: fc.constantFrom('result', 'error', 'other'), gone: fc.boolean() }),
  fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 })),
);
const body = fc.oneof(
  bytes(400),
  // Lengths about the limit.
  fc.integer({ min: MAX_BYTES - 3, max: MAX_BYTES + 3 }).map((length) => Buffer.alloc(length, 0x20)),
  fc.json({ maxDepth: 2 }).map((text) => Buffer.from(text)),
  fc.tuple(head, bytes(60)).map(([of, rest]) => encodeHeaded(of, rest)),
  fc.nat().map((limit) => encodeWindow(limit)),
  fc.constantFrom('{"afterMs":5}', '{"reason":"left"}').map((text) => Buffer.from(text)),
);
const message = fc.record({
  type: fc.constantFrom(...Object.values(FrameType)),
  id: fc.constantFrom('0'.repeat(32), 'a'.repeat(32), 'b'.repeat(32), 'f0'.repeat(16)),
  body,
  cuts: fc.array(fc.nat({ max: MAX_BYTES }), { maxLength: 6 }),
  /** Many cuts at one place: empty pieces. */
  empty: fc.oneof(
    { weight: 400, arbitrary: fc.nat(2) },
    { weight: 1, arbitrary: fc.integer({ min: 1000, max: 1100 }) },
  ),
});
const change = fc.record({
  frame: fc.nat(),
  how: fc.constantFrom('head', 'flip', 'cut', 'lengthen', 'twice', 'lose', 'other'),
  at: fc.oneof(fc.nat(20), fc.nat(5000)),
  value: bytes(40),
});

/** The frames of one message, cut where it says. */
function framesOf({ type, id, body: whole, cuts, empty }: typeof message extends fc.Arbitrary<infer M> ? M : never) {
  const places = [...cuts.map((at) => at % (whole.length + 1)), ...Array.from({ length: empty }, () => 0)];
  const edges = [0, ...places.sort((a, b) => a - b), whole.length];
  return edges
    .slice(1)
    .map((end, index) => encodeFrame(type, index < edges.length - 2, id, whole.subarray(edges[index], end)));
}

function changed(frames: Buffer[], { frame, how, at, value }: typeof change extends fc.Arbitrary<infer C> ? C : never) {
  const index = frame % frames.length;
  const of = frames[index];
  if (of === undefined) return;
  const place = at % (of.length + 1);
  if (how === 'head' && of.length > 1) of[at % 2] = value.length;
  else if (how === 'flip' && place < of.length) of[place] = (of[place] ?? 0) ^ (1 + ((value[0] ?? 0) % 255));
  else if (how === 'cut') frames[index] = of.subarray(0, place);
  else if (how === 'lengthen') frames[index] = Buffer.concat([of.subarray(0, place), value, of.subarray(place)]);
  else if (how === 'twice') frames.splice(index, 0, of);
  else if (how === 'lose') frames.splice(index, 1);
  else frames[index] = value;
}

it(
  'any frames, mixed, cut and damaged, are what the simplest reading of them is, or the peer is told that they are none',
  () => {
    const property = fc.property(
      fc.array(message, { minLength: 1, maxLength: 4 }),
      fc.array(change, { maxLength: 3 }),
      fc.array(fc.nat(3), { maxLength: 30 }),
      fc.constantFrom(AGENT_FRAMES, RELAY_FRAMES, new Set(TYPES)),
      (messages, changes, turns, accept) => {
        const queues = messages.map(framesOf);
        const frames: Buffer[] = [];
        while (queues.some((queue) => queue.length > 0)) {
          const turn = turns[frames.length % turns.length] ?? 0;
          const left = queues.filter((queue) => queue.length > 0);
          frames.push(...(left[turn % left.length]?.splice(0, 1) ?? []));
        }
        for (const one of changes) changed(frames, one);
        const assembler = new Assembler(MAX_BYTES, MAX_OPEN);
        const model = new Model();
        for (const data of frames) {
          const expected = frameOf(data.toString('hex'), accept);
          let frame: Frame;
          try {
            frame = decodeFrame(data, accept);
          } catch (error) {
            if (!(error instanceof FrameError)) throw error;
            expect(error.code).toBe(expected);
            return;
          }
          if (typeof expected === 'string') throw new Error(`taken, though it is ${expected}`);
          const same = frame.type === expected.type && frame.more === expected.more && frame.id === expected.id;
          if (!same || frame.body.toString('hex') !== expected.body) expect(frame).toEqual(expected);
          const whole = model.add(expected);
          let taken: Buffer | undefined;
          try {
            taken = assembler.add(frame);
          } catch (error) {
            if (!(error instanceof MessageError)) throw error;
            expect(whole).toBe(false);
            return;
          }
          if (taken?.toString('hex') !== whole) expect(taken?.toString('hex')).toBe(whole);
          if (assembler.bytes !== model.bytes) expect(assembler.bytes).toBe(model.bytes);
          if (assembler.bytes > MAX_BYTES * MAX_OPEN) throw new Error(`${assembler.bytes} bytes are held`);
          if (taken !== undefined && typeof whole === 'string') checkMessage(frame.type, taken, whole);
        }
      },
    );
    fuzz('frames', property);
  },
  FUZZ_MS,
);
