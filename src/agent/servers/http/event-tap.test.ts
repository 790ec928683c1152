import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { eventTap } from './event-tap.js';

async function tap(limit: number, chunks: readonly Uint8Array[]) {
  const messages: string[] = [];
  const told: string[] = [];
  const pace = { next: () => undefined, end: () => told.push('over') };
  const stream = eventTap(Readable.from(chunks), limit, pace, {
    message: (json) => {
      messages.push(json.toString());
      return 'stand-in';
    },
    eventId: () => told.push('id'),
    overlong: (head, tail, bytes) => told.push(`${head.subarray(0, 5)} ${tail.subarray(-5)} ${bytes}`),
    end: () => told.push('end'),
  });
  let rest = '';
  for await (const chunk of stream) rest += chunk.toString();
  return { messages, told, rest };
}

const whole = (text: string) => [Buffer.from(text)];
const bytewise = (text: string) => Array.from(Buffer.from(text), (byte) => Uint8Array.of(byte));

describe.each([
  ['in one chunk', whole],
  ['byte by byte', bytewise],
])('eventTap, %s', (_name, cut) => {
  it('takes messages out as they are and leaves the rest', async () => {
    const text =
      ': hello\n\nevent: message\ndata: {"n":12345678901234567890,"e":"é"}\n\nretry: 5\nid: 7\ndata:{"a":\ndata: 1.0}\n\nevent: endpoint\ndata: /x?y\n\nid: 8\ndata:\n\ndata: {"cut"';
    const { messages, told, rest } = await tap(1000, cut(text));
    expect(messages).toEqual(['{"n":12345678901234567890,"e":"é"}', '{"a":\n1.0}']);
    expect(rest).toBe(
      ': hello\n\nevent: message\ndata: stand-in\n\nretry: 5\nid: 7\ndata: stand-in\n\nevent: endpoint\ndata: /x?y\n\nid: 8\ndata: \n\n',
    );
    expect(told).toEqual(['id', 'id', 'end', 'over']);
  });

  it('knows CRLF', async () => {
    const { messages, rest } = await tap(1000, cut('id: 1\r\ndata: {}\r\n\r\n'));
    expect(messages).toEqual(['{}']);
    expect(rest).toBe('id: 1\ndata: stand-in\n\n');
  });

  it('drops what is over the limit and goes on', async () => {
    const long = `aaaaa${'x'.repeat(100)}zzzzz`;
    const { messages, told } = await tap(
      20,
      cut(`data: ${long}\n\ndata: aaaaaaaaaa\ndata: bbbbbbbbbb\n\ndata: {"ok":1}\n\n`),
    );
    expect(messages).toEqual(['{"ok":1}']);
    expect(told).toEqual([`aaaaa zzzzz ${long.length + 6}`, 'aaaaa bbbbb 21', 'end', 'over']);
  });

  it('reads data in many lines', async () => {
    const lines = Array.from({ length: 3000 }, (_, n) => `[${n},`);
    const { messages } = await tap(100_000, cut(`${lines.map((line) => `data: ${line}\n`).join('')}\n`));
    expect(messages).toEqual([lines.join('\n')]);
  });

  it('holds no more than the limit of what never ends', async () => {
    const lines = 'data: 7\n'.repeat(2000) + ': and\n'.repeat(2000);
    const { messages, told, rest } = await tap(1000, cut(`${lines}\ndata: {"ok":1}\n\n`));
    expect(told).toEqual([expect.stringMatching(/^7\n7\n7 7 3999$/), 'end', 'over']);
    expect(messages).toEqual(['{"ok":1}']);
    expect(rest.length).toBeLessThan(64 * 1024);
  });
});
