import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { CallClient, CallHead } from '../../../protocol/call-messages.js';
import { profileOf } from '../../../protocol/client-profiles.js';
import { cutText } from './cut-text.js';
import { ResultFit } from './result-fit.js';

const LIMIT = profileOf({ id: '', info: { name: 'claude-ai' } })?.resultCharacters ?? 0;
const fit = new ResultFit({ enabled: true, load: () => Promise.reject(new Error('not installed')) });
afterEach(() => fit.close());

const head = (client: Partial<CallClient> = {}, method = 'tools/call'): CallHead => ({
  server: 's',
  method,
  client: {
    era: 'legacy',
    protocolVersion: '2025-11-25',
    endpoint: 'aggregate',
    id: 'c',
    info: { name: 'claude-ai' },
    capabilities: {},
    ask: 'none',
    session: 's1',
    uriKey: 'laptop.files',
    ...client,
  },
});
interface Block {
  type: string;
  text?: string;
}
const signal = new AbortController().signal;
const fitted = async (result: unknown, call = head()): Promise<{ content: Block[] } & Record<string, unknown>> =>
  JSON.parse((await fit.fitResult(call, Buffer.from(JSON.stringify(result)), signal)).toString());
const text = (length: number, letter = 'x') => ({ type: 'text', text: letter.repeat(length) });
const readMore = (params: unknown, call = head()): { content: Block[]; isError?: boolean } =>
  JSON.parse(fit.readMore(call, Buffer.from(JSON.stringify(params))).toString());
const target = (shown: string): { id: string; from: number } =>
  JSON.parse(/read_more with (\{.*?\})/.exec(shown)?.[1] ?? 'null');
/** Half a character does not survive being written. */
const wellFormed = (shown = '') => Buffer.from(shown).toString() === shown;
const characters = (content: readonly Block[]) => content.reduce((sum, block) => sum + (block.text?.length ?? 0), 0);

describe('a result is the very buffer', () => {
  const long = Buffer.from(JSON.stringify({ content: [text(LIMIT + 1)] }));
  it.each([
    ['at the transparent endpoint', head({ endpoint: 'server' }), long],
    ['of an unknown client', head({ info: { name: 'inspector' } }), long],
    ['of a client without a limit', head({ info: { name: 'cursor-vscode' } }), long],
    ['of another method', head({}, 'prompts/get'), long],
    ['within the limit', head(), Buffer.from(JSON.stringify({ content: [text(LIMIT)] }))],
    [
      'with a question',
      head(),
      Buffer.from(JSON.stringify({ resultType: 'input_required', content: [text(LIMIT + 1)] })),
    ],
    ['without content', head(), Buffer.from(JSON.stringify({ taskId: 'x'.repeat(LIMIT + 1) }))],
    ['that is no JSON', head(), Buffer.from('x'.repeat(LIMIT + 1))],
  ])('%s', async (_name, call, json) => {
    expect(await fit.fitResult(call, json, signal)).toBe(json);
  });

  it('where the fit is off', async () => {
    expect(await new ResultFit({ enabled: false }).fitResult(head(), long, signal)).toBe(long);
  });
});

describe('a result over the budget', () => {
  it('is cut, says what is missing, and can be read on to its end', async () => {
    const whole = Array.from({ length: 40_000 }, (_, line) => `line ${line}\n`).join('');
    const { content } = await fitted({ content: [{ type: 'text', text: whole }], isError: false });
    expect(characters(content)).toBeLessThanOrEqual(LIMIT);
    const [first] = content;
    const [, shown = '', to] =
      /^(.*)\n\n\[Cut for this client: characters 0 to (\d+) of/s.exec(first?.text ?? '') ?? [];
    expect(Number(to)).toBe(shown.length);
    expect(first?.text).toContain(`${whole.length - shown.length} are missing.`);
    let read = shown;
    for (let next = target(first?.text ?? ''); next !== null; ) {
      expect(next.from).toBe(read.length);
      const part = readMore(next).content[0]?.text ?? '';
      expect(part.length).toBeLessThanOrEqual(LIMIT);
      read += part.slice(0, part.lastIndexOf('\n\n['));
      next = target(part);
    }
    expect(read).toBe(whole);
  });

  it('keeps what is no text, and what comes before the cut as it was', async () => {
    const link = { type: 'resource_link', uri: 'a:b', name: 'a' };
    const resource = { type: 'resource', resource: { uri: 'a:c', text: 'y'.repeat(LIMIT) } };
    const { content } = await fitted({ content: [text(10), link, resource, text(5), link, text(7)] });
    expect(content.map(({ type }) => type)).toEqual(['text', 'resource_link', 'text', 'resource_link']);
    expect(content[0]).toEqual(text(10));
    expect(content[2]?.text).toMatch(/^\[resource a:c\]\ny+\n\n\[Cut/);
    const { id } = target(content[2]?.text ?? '');
    expect(readMore({ id, from: LIMIT + 10 }).content[0]?.text).toMatch(/yyy\n\nxxxxx\n\nxxxxxxx\n\n\[End:/);
  });

  it('gives structured content as text, once', async () => {
    const structuredContent = { rows: 'z'.repeat(LIMIT - 10_000) };
    const same = await fitted({
      content: [{ type: 'text', text: JSON.stringify(structuredContent, null, 2) }],
      structuredContent,
    });
    expect(same).toEqual({ content: [{ type: 'text', text: JSON.stringify(structuredContent, null, 2) }] });
    const { content: other } = await fitted({ content: [text(10_500)], structuredContent });
    expect(other).toHaveLength(2);
    expect(other[0]).toEqual(text(10_500));
    expect(other[1]?.text).toMatch(/^\{"rows":"z+\n\n\[Cut/);
    const alone = await fitted({ structuredContent: { rows: 'z'.repeat(LIMIT) }, content: [] });
    expect(alone.content).toHaveLength(1);
    expect(alone.content[0]?.text).toMatch(/^\{"rows":"z+\n\n\[Cut/);
  });

  it('is never cut within a character', async () => {
    for (const lead of ['', 'x']) {
      const { content } = await fitted({ content: [{ type: 'text', text: lead + '😀'.repeat(LIMIT) }] });
      expect(wellFormed(content[0]?.text)).toBe(true);
      const next = target(content[0]?.text ?? '');
      expect(wellFormed(readMore(next).content[0]?.text)).toBe(true);
    }
  });

  it('says so when it is too long to be kept', () => {
    const cut = cutText(Buffer.from(JSON.stringify({ content: [text(2000)] })), 1000, () => undefined);
    expect(JSON.parse(cut.toString()).content[0].text).toMatch(/1500 are missing\. They are too many to be kept/);
  });

  it('is valid JSON within the limit whatever it is made of', () => {
    const block = fc.oneof(
      fc.record({ type: fc.constant('text'), text: fc.string({ unit: 'grapheme', size: 'max', maxLength: 900 }) }),
      fc.constant({ type: 'image', data: 'AAAA', mimeType: 'image/png' }),
      fc.record({
        type: fc.constant('resource'),
        resource: fc.record({ uri: fc.constant('a:b'), text: fc.string({ size: 'max', maxLength: 900 }) }),
      }),
    );
    const result = fc.record(
      {
        content: fc.array(block, { maxLength: 6 }),
        structuredContent: fc.dictionary(fc.string(), fc.string({ size: 'max', maxLength: 900 })),
        n: fc.constant(1),
      },
      { requiredKeys: ['content'] },
    );
    let cuts = 0;
    fc.assert(
      fc.property(result, (given) => {
        const json = Buffer.from(JSON.stringify(given));
        const cut = cutText(json, 1000, () => 'k~id');
        if (cut === json) return;
        cuts += 1;
        const { content, structuredContent, n }: { content: Block[]; structuredContent?: unknown; n?: number } =
          JSON.parse(cut.toString());
        expect(characters(content)).toBeLessThanOrEqual(1000);
        expect([structuredContent, n]).toEqual([undefined, given.n]);
        const images = (blocks: readonly Block[]) => blocks.filter(({ type }) => type === 'image').length;
        expect(images(content)).toBe(images(given.content));
      }),
      { numRuns: 500 },
    );
    expect(cuts).toBeGreaterThan(50);
  });
});

describe('read_more', () => {
  it('answers what it cannot read with an error that the model sees', async () => {
    const { content } = await fitted({ content: [text(LIMIT + 1)] });
    const { id } = target(content[0]?.text ?? '');
    for (const params of [
      {},
      { id: 'laptop.files~x', from: 0 },
      { id, from: -1 },
      { id, from: 1e9 },
      { id, from: 'x' },
      null,
      5,
    ]) {
      expect(readMore(params)).toMatchObject({ isError: true });
    }
    expect(readMore({ id, from: 0 }, head({ id: 'another' }))).toMatchObject({ isError: true });
    expect(readMore({ id, from: '3' }).isError).toBeUndefined();
    expect(readMore({ id }, head({ era: 'modern', protocolVersion: '2026-07-28' }))).toMatchObject({
      resultType: 'complete',
    });
  });
});

describe('an image, without sharp', () => {
  const image = (bytes: number, mimeType = 'image/png') => ({
    type: 'image',
    data: Buffer.alloc(bytes).toString('base64'),
    mimeType,
  });

  it('stays, and a text says what to install', async () => {
    const { content } = await fitted({ content: [image(700_000), text(3)] });
    expect(content.map(({ type }) => type)).toEqual(['image', 'text', 'text']);
    expect(content[1]?.text).toContain('npm install sharp');
    const { content: other } = await fitted({ content: [image(10, 'image/tiff')] });
    expect(other[1]?.text).toContain('image/tiff');
  });

  it('is left alone within the limits', async () => {
    const json = Buffer.from(JSON.stringify({ content: [image(500)] }));
    expect(await fit.fitResult(head(), json, signal)).toBe(json);
  });

  it('is not waited for by a client that has left', async () => {
    const json = Buffer.from(JSON.stringify({ content: [image(700_000)] }));
    await expect(fit.fitResult(head(), json, AbortSignal.abort(new Error('left')))).rejects.toThrow('left');
  });
});
