export function findProgram(name: string): string | undefined;
export function unpack(packages: readonly string[]): boolean;
