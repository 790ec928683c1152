import type { Request, Response } from 'express';
import type { ErrorOut, KoaContextWithOIDC } from 'oidc-provider';

/** A page for the person at the browser, with the headers it needs. */
export interface RenderedPage {
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Makes a page of a heading and paragraphs, which it escapes. The relay's pages hand theirs in. */
export type RenderErrorPage = (title: string, lines: readonly string[]) => RenderedPage;

const DOCUMENT =
  'The app is known by a document at its own address, which the relay has to reach over https. The relay’s log says what stood in the way.';
const START_OVER = 'Go back to the app you came from and connect again.';

/** oidc-provider's `renderError`: an error that may not be sent to the client's redirect URI is shown here. */
export function errorRenderer(render: RenderErrorPage): (ctx: KoaContextWithOIDC, out: ErrorOut) => void {
  return (ctx, out) => {
    if (ctx.accepts('html', 'json') === 'json') {
      ctx.body = out;
      return;
    }
    const { html, headers } = render('Login could not go on', linesOf(out));
    ctx.set({ ...headers });
    ctx.body = html;
  };
}

/** The 429 of express-rate-limit: a page for browsers, JSON for everything else. */
export function tooManyRenderer(render: RenderErrorPage): (req: Request, res: Response) => void {
  return (req, res) => {
    res.status(429);
    if (req.accepts(['json', 'html']) === 'html') {
      const { html, headers } = render('Too many attempts', ['Wait a minute, then try again.']);
      res.set(headers).send(html);
      return;
    }
    res.set('Access-Control-Allow-Origin', '*');
    res.json({ error: 'temporarily_unavailable', error_description: 'too many requests, try again later' });
  };
}

/** What a relay without pages shows. */
export function plainErrorPage(title: string, lines: readonly string[]): RenderedPage {
  const paragraphs = lines.map((line) => `<p>${escapeHtml(line)}</p>`).join('\n');
  return {
    html: `<!doctype html>\n<html lang="en">\n<title>${escapeHtml(title)}</title>\n<h1>${escapeHtml(title)}</h1>\n${paragraphs}\n</html>\n`,
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
      'Cache-Control': 'no-store',
      'Referrer-Policy': 'no-referrer',
    },
  };
}

function linesOf({ error, error_description: description }: ErrorOut): readonly string[] {
  if (error === 'server_error') return ['The relay could not do that; its log says why.', START_OVER];
  return [
    `The relay refused what the app asked for: ${description ?? 'it was not understood'} (${error}).`,
    ...(error === 'invalid_client' && description?.includes('metadata document') ? [DOCUMENT] : []),
    START_OVER,
  ];
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => escapes[character] ?? character);
}
