/** What is used of sharp 0.35, which is an optional peer: most installations are without it, and so is a build of this program. */
export interface Sharp {
  metadata(): Promise<ImageMetadata>;
  autoOrient(): Sharp;
  resize(options: { width: number; height: number; fit: 'inside'; withoutEnlargement: boolean }): Sharp;
  flatten(options: { background: string }): Sharp;
  png(options: { compressionLevel: number }): Sharp;
  jpeg(options: { quality: number; mozjpeg: boolean }): Sharp;
  webp(options: { quality: number }): Sharp;
  timeout(options: { seconds: number }): Sharp;
  toBuffer(options: { resolveWithObject: true }): Promise<{ data: Buffer; info: { width: number; height: number } }>;
}

export interface ImageMetadata {
  readonly format?: string;
  readonly width?: number;
  readonly height?: number;
}

export interface SharpFunction {
  (input: Uint8Array, options: { limitInputPixels: number | false }): Sharp;
  cache(options: false): unknown;
}

/** Loads sharp; rejects where it is not installed. */
export type LoadSharp = () => Promise<{ readonly default: SharpFunction }>;

/** A name at run time: what is built and checked without the package must not look for it. */
const PACKAGE = 'sharp';

export const loadSharp: LoadSharp = () => import(PACKAGE);
