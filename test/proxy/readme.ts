import { readFileSync } from 'node:fs';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** The one block of this language in README. */
export function snippet(language: string): string {
  const [first, ...more] = [...README.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))];
  if (first?.[1] === undefined || more.length > 0) throw new Error(`README must have one block of ${language}`);
  return first[1];
}

/** `text` with each of these in it replaced. @throws when one is not there: README has changed, and the test with it must */
export function adapted(text: string, replacements: Readonly<Record<string, string>>): string {
  return Object.entries(replacements).reduce((result, [from, to]) => {
    if (!result.includes(from)) throw new Error(`README's settings no longer have: ${from}`);
    return result.replaceAll(from, to);
  }, text);
}
