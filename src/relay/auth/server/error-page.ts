import type { ErrorOut, KoaContextWithOIDC } from 'oidc-provider';

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** An error that may not be sent to the client's redirect URI: shown here, to the person at the browser. */
export function renderError(ctx: KoaContextWithOIDC, out: ErrorOut): void {
  ctx.set('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
  ctx.set('Referrer-Policy', 'no-referrer');
  if (ctx.accepts('html', 'json') === 'json') {
    ctx.body = out;
    return;
  }
  ctx.type = 'html';
  ctx.body = errorPage(out.error, out.error_description);
}

function errorPage(code: string, description: string | undefined): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Login could not go on</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem}</style>
</head>
<body>
<h1>Login could not go on</h1>
<p>${escapeHtml(description ?? 'The request was not understood.')} (${escapeHtml(code)})</p>
<p>Go back to the application you came from and start again.</p>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => escapes[character] ?? character);
}
