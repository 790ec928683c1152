import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decodeAnswer, decodeAsk, decodeCall } from '../../../src/protocol/call-messages.js';
import {
  AGENT_FRAMES,
  decodeFrame,
  encodeFrame,
  type Frame,
  FrameType,
  type FrameTypeName,
  HEADER_BYTES,
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
  ask: (body) => {
    const { head, params } = decodeAsk(body);
    return { head, params: params.toString() };
  },
  answer: (body) => {
    const { head, json } = decodeAnswer(body);
    return { head, json: json.toString() };
  },
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
    const meaning = meanings[golden.type](frame.body);
    // What an older frame left unsaid has a default now; see below.
    if (golden.type === 'catalog' || golden.type === 'call') expect(meaning).toMatchObject(Object(golden.meaning));
    else expect(meaning).toEqual(golden.meaning);
    expect(encodeFrame(frame.type, frame.more, frame.id, frame.body).toString('hex')).toBe(golden.hex);
    if (golden.type !== 'window') {
      const theirs = golden.from === 'agent' ? RELAY_FRAMES : AGENT_FRAMES;
      expect(() => decodeFrame(data, theirs)).toThrow('unknown_type');
    }
  });

  test('what an older catalog or call leaves unsaid', () => {
    const { offer } = decodeCatalog(bodyOf('catalog.json'));
    expect(offer).toMatchObject({ era: 'legacy', prompts: [], resources: [], resourceTemplates: [], fit: true });
    const { head } = decodeCall(bodyOf('call.json'));
    expect(head.client.session).toBe(head.client.id);
    for (const key of ['notify', 'lasting']) expect(head).not.toHaveProperty(key);
  });

  test('each is named in the table of its type', () => {
    const rows = readFileSync(join(import.meta.dirname, '../../../docs/protocol.md'), 'utf8').split('\n');
    for (const file of files) {
      const { type }: Golden = JSON.parse(readFileSync(join(import.meta.dirname, file), 'utf8'));
      const row = rows.find((line) => line.startsWith(`| ${FrameType[type]} | \`${type}\` |`));
      expect(row?.split('|').at(-2)).toContain(`\`${file.replace('.json', '')}\``);
    }
  });

  test('there is one of every type', () => {
    const types = files.map((file) => JSON.parse(readFileSync(join(import.meta.dirname, file), 'utf8')).type);
    expect([...new Set(types)].sort()).toEqual(Object.keys(FrameType).sort());
  });
});

function bodyOf(file: string): Buffer {
  const golden: Golden = JSON.parse(readFileSync(join(import.meta.dirname, file), 'utf8'));
  return Buffer.from(golden.hex, 'hex').subarray(HEADER_BYTES);
}
