import { describe, expect, it } from 'vitest';
import { AGENT_FRAMES, decodeFrame, FrameType } from '../../../protocol/frames.js';
import { SendStream } from '../../../protocol/send-stream.js';
import { CallEvents } from './call-events.js';

function rig() {
  const stream = new SendStream('1'.repeat(32));
  const events = new CallEvents(stream, (type, body) => stream.push(type, body));
  const sent: string[] = [];
  const bytes = { progress: 0, other: 0 };
  /** Everything goes that credit allows. */
  const send = () => {
    for (let data = stream.next(); data !== undefined; data = stream.next()) {
      const { type, more, body } = decodeFrame(data, AGENT_FRAMES);
      const text = body.toString('latin1');
      const kind = text.startsWith('progress') ? 'progress' : 'other';
      bytes[kind] += body.length;
      if (!more) sent.push(type === FrameType.event ? text.trim() : 'answer');
    }
  };
  const grant = (limit: number) => {
    stream.grant(limit);
    send();
    events.moved();
    send();
  };
  return { stream, events, sent, send, grant, bytes };
}

const text = (what: string, length: number) => Buffer.from(what.padEnd(length));
const numbers = (sent: readonly string[]) => sent.map((line) => Number(/\d+/.exec(line)?.[0]));

describe('events of a call', () => {
  it('go in order, and of progress the client is too slow for the latest does, ahead of what comes after it', () => {
    const { events, sent, send, grant } = rig();
    for (let n = 0; n < 100; n += 1) events.event(text(`progress ${n}`, 10_000), true);
    for (let n = 100; n < 105; n += 1) events.event(text(`line ${n}`, 10_000), false);
    send();
    grant(1e9);
    const rising = numbers(sent);
    expect(rising).toEqual([...rising].sort((a, b) => a - b));
    expect(rising.slice(-6)).toEqual([99, 100, 101, 102, 103, 104]);
    expect(rising.length).toBeLessThan(90);
    expect(rising.length + events.leftOut).toBe(105);
  });

  it('tell the latest progress as soon as there is room, without anything after it', () => {
    const { events, sent, send, grant } = rig();
    for (let n = 0; n < 100; n += 1) events.event(text(`progress ${n}`, 10_000), true);
    send();
    grant(1e9);
    expect(numbers(sent).at(-1)).toBe(99);
  });

  it('are no more than some megabytes of what a server floods a slow client with; the answer comes all the same', () => {
    const { events, sent, grant, bytes } = rig();
    for (let count = 0; count < 40; count += 1) events.event(text(`line ${count}`, 1024 * 1024), false);
    events.send(FrameType.result, text('{}', 2));
    grant(1e9);
    expect(bytes.other).toBeGreaterThan(16 * 1024 * 1024);
    expect(bytes.other).toBeLessThan(19 * 1024 * 1024);
    expect(sent.at(-1)).toBe('answer');
    expect(sent.length - 1 + events.leftOut).toBe(40);
  });

  it('say when there is room again, and when nobody need wait any more', async () => {
    const { events, send, grant } = rig();
    expect(events.room()).toBeUndefined();
    events.event(text('line 1', 1024 * 1024), false);
    send();
    let room = false;
    const waiting = events.room()?.then(() => {
      room = true;
    });
    grant(512 * 1024);
    await new Promise((resolve) => setImmediate(resolve));
    expect(room).toBe(false);
    grant(1e9);
    await waiting;
    expect(events.room()).toBeUndefined();
    events.event(text('line 2', 1024 * 1024), false);
    const given = events.room();
    events.end();
    await given;
  });
});
