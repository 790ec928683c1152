export interface BundleOptions {
  /** Folder with node_modules; absolute, as every path here. */
  readonly root: string;
  readonly outdir: string;
  readonly entries: readonly string[];
  /** Folders whose files are ours; all else is a package. */
  readonly ours: readonly string[];
}

export interface Bundled {
  /** Files written, relative to `outdir`; an entry keeps its path. */
  readonly outputs: readonly string[];
  /** Every file inside them, relative to `root`. */
  readonly inputs: ReadonlySet<string>;
  /** What they still import by name. */
  readonly packages: ReadonlySet<string>;
}

export const runtimePackages: readonly string[];
export const optionalPackages: readonly string[];
export function bundle(options: BundleOptions): Promise<Bundled>;
