/** Longer ones are matched with nothing. */
const LENGTH_MAX = 2048;

/** How many comparisons there may be yet, for all templates one URI is held against. */
export interface Effort {
  left: number;
}

/**
 * Whether a template may have made this URI (RFC 6570): an expression without an operator stands for anything that has
 * no `/`, `?` or `#`, one with an operator for anything. Templates are strangers' text, so no regular expression is
 * made of them, and it takes no more than `effort`.
 */
export function couldMatch(template: string, uri: string, effort: Effort): boolean {
  if (template.length > LENGTH_MAX || uri.length > LENGTH_MAX) return false;
  const parts = partsOf(template);
  if (parts === undefined || parts.length < 2) return false;
  // Offsets up to which the parts so far may reach.
  let reached = [0];
  for (const part of parts) {
    effort.left -= part.kind === 'text' ? reached.length * (1 + part.text.length / 16) : uri.length;
    if (reached.length === 0 || effort.left < 0) return false;
    reached = part.kind === 'text' ? afterText(uri, part.text, reached) : afterExpression(uri, part.any, reached);
  }
  return reached.at(-1) === uri.length;
}

type Part = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'expression'; readonly any: boolean };

/** Undefined for what is no template. */
function partsOf(template: string): Part[] | undefined {
  const parts: Part[] = [];
  for (let at = 0; at <= template.length; ) {
    const open = template.indexOf('{', at);
    parts.push({ kind: 'text', text: template.slice(at, open === -1 ? undefined : open) });
    if (open === -1) return parts;
    const close = template.indexOf('}', open);
    if (close === -1) return undefined;
    parts.push({ kind: 'expression', any: /^[+#./;?&=,!@|]/.test(template.slice(open + 1, close)) });
    at = close + 1;
  }
  return parts;
}

function afterText(uri: string, text: string, reached: readonly number[]): number[] {
  return reached.filter((at) => uri.startsWith(text, at)).map((at) => at + text.length);
}

function afterExpression(uri: string, any: boolean, reached: readonly number[]): number[] {
  const after: number[] = [];
  let next = 0;
  for (let at = reached[0] ?? 0, open = false; at <= uri.length; at++) {
    if (reached[next] === at) {
      open = true;
      next += 1;
    }
    if (open) after.push(at);
    if (!any && '/?#'.includes(uri.charAt(at)) && at < uri.length) open = false;
  }
  return after;
}
