import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decodeCall } from '../../../src/protocol/call-messages.js';
import {
  AGENT_FRAMES,
  decodeFrame,
  encodeFrame,
  type Frame,
  FrameType,
  type FrameTypeName,
  RELAY_FRAMES,
} from '../../../src/protocol/frames.js';
import {
  decodeCancel,
  decodeCatalog,
  decodeDrain,
  decodeHello,
  decodeWelcome,
  decodeWindow,
} from '../../../src/protocol/messages.js';

interface Golden {
  readonly from: 'agent' | 'relay';
  readonly type: FrameTypeName;
  readonly more: boolean;
  readonly id: string;
  readonly meaning: unknown;
  readonly hex: string;
}

const meanings: Readonly<Record<FrameTypeName, (body: Buffer) => unknown>> = {
  hello: decodeHello,
  welcome: decodeWelcome,
  catalog: decodeCatalog,
  drain: decodeDrain,
  cancel: decodeCancel,
  window: decodeWindow,
  call: (body) => {
    const { head, params } = decodeCall(body);
    return { head, params: params.toString() };
  },
  event: String,
  result: String,
  error: String,
  ask: String,
  answer: String,
  goodbye: (body) => (body.length === 0 ? null : body),
};

const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.json'));

// A changed frame is a new file, never an edited one: agents that are out there speak these.
describe('frames as docs/protocol.md has them', () => {
  test.each(files)('%s', (file) => {
    const golden: Golden = JSON.parse(readFileSync(join(import.meta.dirname, file), 'utf8'));
    const data = Buffer.from(golden.hex, 'hex');
    const mine = golden.from === 'agent' ? AGENT_FRAMES : RELAY_FRAMES;
    const frame: Frame = decodeFrame(data, mine);
    expect(frame).toMatchObject({ type: FrameType[golden.type], more: golden.more, id: golden.id });
    expect(meanings[golden.type](frame.body)).toEqual(golden.meaning);
    expect(encodeFrame(frame.type, frame.more, frame.id, frame.body).toString('hex')).toBe(golden.hex);
    if (golden.type !== 'window') {
      const theirs = golden.from === 'agent' ? RELAY_FRAMES : AGENT_FRAMES;
      expect(() => decodeFrame(data, theirs)).toThrow('unknown_type');
    }
  });

  test('there is one of every type in use', () => {
    const types = files.map((file) => JSON.parse(readFileSync(join(import.meta.dirname, file), 'utf8')).type);
    const reserved = ['ask', 'answer'];
    expect([...new Set([...types, ...reserved])].sort()).toEqual(Object.keys(FrameType).sort());
  });
});
