import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { ResultFit } from '../../src/agent/calls/fit/result-fit.js';
import type { CallHead } from '../../src/protocol/call-messages.js';
import { type ImageLimits, profileOf } from '../../src/protocol/client-profiles.js';

/** What these tests make images with. */
interface Sharp {
  png(options?: { compressionLevel?: number }): Sharp;
  jpeg(options?: { quality?: number }): Sharp;
  gif(): Sharp;
  tiff(): Sharp;
  withMetadata(options: { orientation: number }): Sharp;
  toBuffer(): Promise<Buffer>;
  metadata(): Promise<{ format: string; width: number; height: number; hasAlpha: boolean; pages?: number }>;
  stats(): Promise<{ isOpaque: boolean }>;
}
interface Create {
  width: number;
  height: number;
  channels: 3 | 4;
  background: object | string;
  noise?: { type: 'gaussian'; mean: number; sigma: number };
}
const sharp: {
  (input: Buffer, options?: object): Sharp;
  (input: { create: Create }): Sharp;
} = createRequire(import.meta.url)('sharp');

interface Block {
  type: string;
  text?: string;
  data?: string;
  mimeType?: string;
}

const fit = new ResultFit({ enabled: true });
const headOf = (name: string): CallHead => ({
  server: 's',
  method: 'tools/call',
  client: {
    era: 'legacy',
    protocolVersion: '2025-11-25',
    endpoint: 'aggregate',
    id: 'c',
    info: { name },
    capabilities: {},
    ask: 'none',
    session: 's1',
    uriKey: 'laptop.screen',
  },
});
const limitsOf = (name: string): ImageLimits => {
  const limits = profileOf({ id: '', info: { name } })?.image;
  if (limits === undefined) throw new Error(`no limits of ${name}`);
  return limits;
};
const CLAUDE = limitsOf('claude-ai');

const image = (bytes: Buffer, mimeType: string): Block => ({ type: 'image', data: bytes.toString('base64'), mimeType });
const fitted = async (content: readonly Block[], name = 'claude-ai', signal = new AbortController().signal) => {
  const json = Buffer.from(JSON.stringify({ content, n: 1 }));
  const result = await fit.fitResult(headOf(name), json, signal);
  const { content: blocks }: { content: Block[] } = JSON.parse(result.toString());
  return { same: result === json, blocks };
};
const bytesOf = ({ data }: Block): Buffer => Buffer.from(data ?? '', 'base64');
const only = (blocks: readonly Block[]): Block => {
  const [first] = blocks;
  if (first === undefined) throw new Error('no content');
  return first;
};

/** Nothing compresses worse: what has to come out small has to be made so. */
const noise = (width: number, height: number, channels: 3 | 4 = 3): Sharp =>
  sharp({
    create: { width, height, channels, background: '#808080', noise: { type: 'gaussian', mean: 128, sigma: 60 } },
  });
const flat = (width: number, height: number): Sharp =>
  sharp({ create: { width, height, channels: 3, background: '#336699' } });

it('leaves an image within the limits as it is', async () => {
  const { same } = await fitted([image(await flat(800, 600).png().toBuffer(), 'image/png')]);
  expect(same).toBe(true);
});

it('makes a wide screenshot narrower, without loss, and says so', async () => {
  const { blocks } = await fitted([
    image(await flat(3840, 2160).png().toBuffer(), 'image/png'),
    { type: 'text', text: 'x' },
  ]);
  expect(blocks.map(({ type }) => type)).toEqual(['image', 'text', 'text']);
  expect(only(blocks).mimeType).toBe('image/png');
  expect(await sharp(bytesOf(only(blocks))).metadata()).toMatchObject({ format: 'png', width: 2000, height: 1125 });
  expect(blocks[1]?.text).toBe('[Image made smaller for this client: 3840×2160 pixels before, 2000×1125 now.]');
});

it('makes a heavy image light, and never larger in pixels', async () => {
  const heavy = await noise(1200, 900).png().toBuffer();
  expect(heavy.length).toBeGreaterThan(CLAUDE.bytes);
  const { blocks } = await fitted([image(heavy, 'image/png')]);
  const light = bytesOf(only(blocks));
  expect(light.length).toBeLessThanOrEqual(CLAUDE.bytes);
  const { format, width, height } = await sharp(light).metadata();
  expect(only(blocks).mimeType).toBe(`image/${format}`);
  expect(width).toBeLessThanOrEqual(1200);
  expect(width / height).toBeCloseTo(4 / 3, 1);
});

it('keeps a photograph a JPEG, the way it was held', async () => {
  const photo = await noise(3000, 2000).jpeg({ quality: 95 }).withMetadata({ orientation: 6 }).toBuffer();
  const { blocks } = await fitted([image(photo, 'image/jpeg')]);
  const { format, width, height } = await sharp(bytesOf(only(blocks))).metadata();
  expect([format, only(blocks).mimeType]).toEqual(['jpeg', 'image/jpeg']);
  expect(height).toBeGreaterThan(width);
});

it('keeps what is transparent transparent', async () => {
  const clear = await sharp({
    create: { width: 2400, height: 1200, channels: 4, background: { r: 255, g: 0, b: 0, alpha: 0.25 } },
  })
    .png()
    .toBuffer();
  const { blocks } = await fitted([image(clear, 'image/png')]);
  expect(await sharp(bytesOf(only(blocks))).metadata()).toMatchObject({ hasAlpha: true, width: 2000 });
  expect(await sharp(bytesOf(only(blocks))).stats()).toMatchObject({ isOpaque: false });
});

it('takes the first picture of a moving one that is too large', async () => {
  const frames = await Promise.all([flat(2200, 100), noise(2200, 100)].map((frame) => frame.png().toBuffer()));
  const moving = await sharp(frames as unknown as Buffer, { join: { animated: true } })
    .gif()
    .toBuffer();
  expect(await sharp(moving, { animated: true }).metadata()).toMatchObject({ pages: 2 });
  const { blocks } = await fitted([image(moving, 'image/gif')]);
  const { pages, width } = await sharp(bytesOf(only(blocks)), { animated: true }).metadata();
  expect([pages ?? 1, width]).toEqual([1, 2000]);
});

it('turns a type that the client does not take into one it does', async () => {
  const { blocks } = await fitted([image(await flat(50, 40).tiff().toBuffer(), 'image/tiff')]);
  expect(only(blocks).mimeType).toBe('image/png');
  expect(await sharp(bytesOf(only(blocks))).metadata()).toMatchObject({ format: 'png', width: 50, height: 40 });
});

it('shares the room of a result among its images', async () => {
  const heavy = image(await noise(900, 900).jpeg({ quality: 95 }).toBuffer(), 'image/jpeg');
  const { blocks } = await fitted([heavy, heavy, heavy]);
  const images = blocks.filter(({ type }) => type === 'image');
  expect(images).toHaveLength(3);
  const total = images.reduce((sum, block) => sum + bytesOf(block).length, 0);
  expect(total).toBeLessThanOrEqual(CLAUDE.totalBytes);
  expect((await fitted([heavy, heavy, heavy], 'claude-code')).same).toBe(true);
});

it('leaves out what cannot be read and is too much, and no more', async () => {
  const { blocks } = await fitted([image(Buffer.alloc(CLAUDE.bytes + 1, 7), 'image/png'), { type: 'text', text: 'x' }]);
  expect(blocks.map(({ type }) => type)).toEqual(['text', 'text']);
  expect(blocks[0]?.text).toContain('could not be made smaller');
  expect((await fitted([image(Buffer.alloc(100, 7), 'image/png')])).same).toBe(true);
});

it('does not decode an image of too many pixels, nor pass it on', async () => {
  const huge = await flat(16_000, 9_000).png({ compressionLevel: 9 }).toBuffer();
  expect(huge.length).toBeLessThan(CLAUDE.bytes);
  const { blocks } = await fitted([image(huge, 'image/png')]);
  expect(blocks.map(({ type }) => type)).toEqual(['text']);
});

it('stops for a client that has left', async () => {
  const abort = new AbortController();
  const heavy = image(await noise(1500, 1500).png().toBuffer(), 'image/png');
  const waiting = fitted([heavy], 'claude-ai', abort.signal);
  abort.abort(new Error('left'));
  await expect(waiting).rejects.toThrow('left');
});
