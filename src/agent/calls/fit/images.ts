import type { ImageLimits } from '../../../protocol/client-profiles.js';
import type { CallSignal } from '../../servers/call-signal.js';
import { type ImageMetadata, type LoadSharp, loadSharp, type Sharp, type SharpFunction } from './sharp.js';

/** Larger ones are not decoded: 400 MB of memory. */
const INPUT_PIXELS = 100_000_000;
const SECONDS = 20;
const ROUNDS = 8;
/** A round's edge is at most, and at least, this much of the last one's. */
const SHRINK = { most: 0.75, least: 0.3 };
const QUALITIES = [85, 60];

export type FittedImage =
  | { readonly kind: 'fits' }
  /** Made smaller. */
  | {
      readonly kind: 'changed';
      readonly data: Buffer;
      readonly mimeType: string;
      readonly from: string;
      readonly to: string;
    }
  /** Over the limit, and sharp is not there to change that. */
  | { readonly kind: 'not_installed' }
  /** Over the limit, and no image that can be read, or one of too many pixels. */
  | { readonly kind: 'unreadable' };

interface Encoding {
  readonly mimeType: string;
  encode(image: Sharp): Sharp;
}

/** Makes images fit a client. sharp is loaded with the first image, since it costs 15 MB and most agents never see one. */
export class Images {
  #loaded: Promise<SharpFunction | undefined> | undefined;
  /** One is worked on at a time, whoever asks: each may take the memory of INPUT_PIXELS. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly load: LoadSharp = loadSharp) {}

  /**
   * @param bytes largest size that is allowed here
   * @throws the signal's reason
   */
  async fit(
    image: Buffer,
    mimeType: string,
    bytes: number,
    { edge, types }: ImageLimits,
    signal: CallSignal,
  ): Promise<FittedImage> {
    let over = image.length > bytes || !types.includes(mimeType.toLowerCase());
    const sharp = await this.#sharp();
    signal.throwIfAborted();
    if (sharp === undefined) return { kind: over ? 'not_installed' : 'fits' };
    try {
      // Of the header alone, so of any image.
      const found = await sharp(image, { limitInputPixels: false }).metadata();
      const longest = Math.max(found.width ?? 0, found.height ?? 0);
      over ||= longest > edge;
      if (!over) return { kind: 'fits' };
      const open = (): Sharp => sharp(image, { limitInputPixels: INPUT_PIXELS });
      const size = Math.min(edge, longest);
      const before = this.#turn;
      const made = before.then(() => smaller(open, found, size, bytes, types, signal));
      this.#turn = made.catch(() => undefined);
      return await made;
    } catch {
      signal.throwIfAborted();
      return { kind: over ? 'unreadable' : 'fits' };
    }
  }

  #sharp(): Promise<SharpFunction | undefined> {
    this.#loaded ??= this.load().then(
      (module) => {
        // The same image hardly comes twice, and an agent is to stay small.
        module.default.cache(false);
        return module.default;
      },
      () => undefined,
    );
    return this.#loaded;
  }
}

async function smaller(
  open: () => Sharp,
  found: ImageMetadata,
  edge: number,
  bytes: number,
  types: readonly string[],
  signal: CallSignal,
): Promise<FittedImage> {
  signal.throwIfAborted();
  let size = edge;
  for (let round = 0; round < ROUNDS; round += 1) {
    let smallest = Number.POSITIVE_INFINITY;
    for (const { mimeType, encode } of encodings(found, types, round)) {
      const image = open()
        .autoOrient()
        .resize({ width: size, height: size, fit: 'inside', withoutEnlargement: true })
        .timeout({ seconds: SECONDS });
      const { data, info } = await encode(image).toBuffer({ resolveWithObject: true });
      signal.throwIfAborted();
      if (data.length <= bytes) {
        const [from, to] = [found, info].map(({ width, height }) => `${width}×${height}`);
        return { kind: 'changed', data, mimeType, from: from ?? '', to: to ?? '' };
      }
      smallest = Math.min(smallest, data.length);
    }
    const wanted = Math.sqrt(bytes / smallest);
    size = Math.max(1, Math.floor(size * Math.min(SHRINK.most, Math.max(SHRINK.least, wanted))));
  }
  return { kind: 'unreadable' };
}

/** A photograph stays a JPEG. What was drawn stays without loss where that is small enough, and keeps its transparency. */
function encodings({ format }: ImageMetadata, types: readonly string[], round: number): Encoding[] {
  if (format === 'jpeg' || !types.includes('image/webp')) return QUALITIES.map(jpeg);
  const lossless: Encoding = { mimeType: 'image/png', encode: (image) => image.png({ compressionLevel: 6 }) };
  return [...(round === 0 ? [lossless] : []), ...QUALITIES.map(webp)];
}

function jpeg(quality: number): Encoding {
  return {
    mimeType: 'image/jpeg',
    encode: (image) => image.flatten({ background: '#ffffff' }).jpeg({ quality, mozjpeg: true }),
  };
}

function webp(quality: number): Encoding {
  return { mimeType: 'image/webp', encode: (image) => image.webp({ quality }) };
}
