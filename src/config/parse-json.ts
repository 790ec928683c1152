import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { ConfigError, type Problem } from './config-error.js';

/** A JSON document with comments and trailing commas, and where in the text its parts stand. */
export interface ParsedJson {
  readonly value: unknown;
  /** Line, counted from 1, of the nearest part of `path` that is there. */
  lineOf(path: readonly string[]): number | undefined;
}

/** By the names that jsonc-parser prints for its error codes. */
const expected: Readonly<Record<string, string>> = {
  InvalidSymbol: 'expected a value: "text" in double quotes, a number, true, false, null, { or [',
  InvalidNumberFormat: 'expected a number',
  PropertyNameExpected: 'expected a key in double quotes, or } to close the object',
  ValueExpected: 'expected a value',
  ColonExpected: 'expected : after the key',
  CommaExpected: 'expected a comma before this',
  CloseBraceExpected: 'expected } to close the object',
  CloseBracketExpected: 'expected ] to close the array',
  EndOfFileExpected: 'expected the end of the file: one object is all there may be',
  InvalidCommentToken: 'expected a comment that starts with // or /*',
  UnexpectedEndOfComment: 'expected */ to end the comment',
  UnexpectedEndOfString: 'expected " to end the text on the same line',
  UnexpectedEndOfNumber: 'expected a digit',
  InvalidUnicode: 'expected four hexadecimal digits after \\u',
  InvalidEscapeCharacter: 'expected \\\\ for a backslash, or an escape as \\n or \\"',
  InvalidCharacter: 'expected \\t or \\n: a tab or line end inside text must be written so',
};

/** Parses JSON with comments and trailing commas. Throws ConfigError for wrong JSON (line and column) and for a key written twice. */
export function parseJson(text: string, source: string): ParsedJson {
  const body = text.replace(/^\uFEFF/, '');
  const errors: ParseError[] = [];
  const root = parseTree(body, errors, { allowTrailingComma: true, disallowComments: false });
  const first = errors[0];
  // The first error only: those after it mostly follow from it.
  if (first !== undefined || root === undefined) {
    const offset = first?.offset ?? body.length;
    const wanted = (first && expected[printParseErrorCode(first.error)]) ?? 'expected an object: { … }';
    const { line, column } = positionOf(body, offset);
    throw new ConfigError([{ path: '', message: `column ${column}: not valid JSON, ${wanted}`, line }], source);
  }
  const problems: Problem[] = [];
  const value = plainValue(root, '', body, problems);
  if (problems.length > 0) throw new ConfigError(problems, source);
  return {
    value,
    lineOf(path) {
      for (let length = path.length; length > 0; length--) {
        const node = findNodeAtLocation(root, path.slice(0, length));
        if (node === undefined) continue;
        const property = node.parent?.type === 'property' ? node.parent : node;
        return positionOf(body, property.offset).line;
      }
      return undefined;
    },
  };
}

/** Own copy of jsonc-parser's getNodeValue: keys written twice are told, and `__proto__` stays a plain key. */
function plainValue(node: Node, path: string, text: string, problems: Problem[]): unknown {
  if (node.type === 'array') {
    return (node.children ?? []).map((child, index) => plainValue(child, `${path}[${index}]`, text, problems));
  }
  if (node.type !== 'object') return node.value;
  const result: Record<string, unknown> = {};
  for (const property of node.children ?? []) {
    const [key, child] = property.children ?? [];
    if (key === undefined || child === undefined) continue;
    const name = String(key.value);
    const at = path === '' ? name : `${path}.${name}`;
    if (Object.hasOwn(result, name)) {
      const { line } = positionOf(text, key.offset);
      problems.push({ path: at, message: 'written twice; remove one of the two', line });
    }
    const value = plainValue(child, at, text, problems);
    Object.defineProperty(result, name, { value, enumerable: true, writable: true, configurable: true });
  }
  return result;
}

function positionOf(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset).split(/\r\n|\r|\n/);
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
