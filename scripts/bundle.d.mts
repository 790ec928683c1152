export interface BundleOptions {
  readonly root: string;
  readonly outdir: string;
  readonly entries: readonly string[];
  readonly ours: readonly string[];
}

export interface Bundled {
  readonly entries: readonly string[];
  readonly inputs: ReadonlySet<string>;
  readonly packages: ReadonlySet<string>;
}

export const runtimePackages: readonly string[];
export const optionalPackages: readonly string[];
export function bundle(options: BundleOptions): Promise<Bundled>;
