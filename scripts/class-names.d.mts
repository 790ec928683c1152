export function classNamesOnly(text: string): string;
