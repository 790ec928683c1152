/**
 * What a terminal would act on rather than show: control characters (C0, DEL, C1, so every escape sequence), marks that
 * turn the direction of text, line and paragraph separators, and halves of surrogate pairs.
 */
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** What nearly all texts are: a search of one of these is far quicker than that for all the others. */
const PLAIN = /^[ -~]*$/;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Text from elsewhere made safe to print: on one line, nothing hidden, nothing a terminal obeys. */
export function printable(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replace(UNSAFE, (character) => SHORT[character] ?? unicodeEscape(character));
}

/** A line of JSON made safe to print and still the same JSON. */
export function printableJson(line: string): string {
  return line.replace(UNSAFE, (character) => (character === '\n' ? character : unicodeEscape(character)));
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
