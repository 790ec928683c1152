import { expect, it } from 'vitest';
import type { CallHead } from '../../protocol/call-messages.js';
import { shapeResult } from './shape.js';

const head = (protocolVersion: string, endpoint: 'aggregate' | 'server' = 'aggregate'): CallHead => ({
  server: 's',
  method: 'tools/call',
  client: { era: 'legacy', protocolVersion, endpoint, id: 'c', capabilities: {}, ask: 'none', session: 's1' },
});
const shape = (version: string, result: unknown): unknown =>
  JSON.parse(shapeResult(head(version), Buffer.from(JSON.stringify(result))).toString());

const AUDIO = { type: 'audio', data: 'AA==', mimeType: 'audio/wav' };
const LINK = { type: 'resource_link', uri: 'file:///a', name: 'a' };
const TEXT = { type: 'text', text: 'hi' };

it('gives the newest revision the very bytes of the server', () => {
  const bytes = Buffer.from('{ "content" : [], "n": 12345678901234567890, "new": {"type":"hologram"} }');
  expect(shapeResult(head('2025-11-25'), bytes).equals(bytes)).toBe(true);
});

it('leaves what an older revision knows as it is, byte for byte', () => {
  const bytes = Buffer.from('{"content":[{"type":"text","text":"x"}],  "n":1e400}');
  expect(shapeResult(head('2024-11-05'), bytes).equals(bytes)).toBe(true);
});

it.each([
  ['2024-11-05', [AUDIO, LINK, TEXT], ['text', 'text', 'text']],
  ['2025-03-26', [AUDIO, LINK, TEXT], ['audio', 'text', 'text']],
  ['2025-06-18', [AUDIO, LINK, TEXT], ['audio', 'resource_link', 'text']],
])('tells a client of %s in text what it cannot show', (version, content, types) => {
  const shaped = shape(version, { content }) as { content: { type: string }[] };
  expect(shaped.content.map(({ type }) => type)).toEqual(types);
});

it('keeps structured content from revisions that have none', () => {
  const result = { content: [TEXT], structuredContent: { a: 1 }, isError: false };
  expect(shape('2025-03-26', result)).toEqual({ content: [TEXT], isError: false });
  expect(shape('2025-06-18', result)).toEqual(result);
});

it('never touches a result on the transparent endpoint, nor what is not a tool result', () => {
  const bytes = Buffer.from(JSON.stringify({ content: [LINK] }));
  expect(shapeResult(head('2024-11-05', 'server'), bytes).equals(bytes)).toBe(true);
  expect(shapeResult({ ...head('2024-11-05'), method: 'x/y' }, bytes).equals(bytes)).toBe(true);
});
