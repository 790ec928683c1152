/** The one style sheet: system fonts, the browser's own form controls, both colour schemes, any width. */
export const style = `
:root{color-scheme:light dark;--ink:#1c2024;--soft:#5b636b;--paper:#f4f5f7;--card:#fff;--line:#d9dde1;--accent:#1f5fd6;
--on-accent:#fff;--warn-ink:#6b4200;--warn:#fff4de;--warn-line:#f0cf8e;--bad-ink:#8c1d18;--bad:#fdeceb;--bad-line:#f1b9b5}
@media (prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#a3abb3;--paper:#121416;--card:#1c1f22;--line:#363b40;
--accent:#8ab4ff;--on-accent:#0b1f3f;--warn-ink:#ffd894;--warn:#33270f;--warn-line:#6a5222;--bad-ink:#ffb4ad;--bad:#3a1917;
--bad-line:#74332e}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:flex;flex-direction:column;align-items:center;padding:clamp(1rem,6vh,4rem) 1rem 1rem;
background:var(--paper);color:var(--ink);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{width:100%;max-width:31rem;background:var(--card);border:1px solid var(--line);border-radius:.875rem;
padding:clamp(1.25rem,5vw,2rem)}
h1{font-size:1.4rem;line-height:1.3;margin:0 0 .75rem;text-wrap:balance;overflow-wrap:anywhere}
h2{font-size:.8125rem;margin:1.5rem 0 .25rem;color:var(--soft);font-weight:600}
p,ul{margin:.5rem 0;text-wrap:pretty}ul{padding-left:1.25rem}li{margin:.375rem 0}
strong,code,.account{overflow-wrap:anywhere}
.soft{color:var(--soft);font-size:.9375rem}
.note{border:1px solid var(--warn-line);background:var(--warn);color:var(--warn-ink);border-radius:.5rem;
padding:.625rem .875rem;font-size:.9375rem;margin:1rem 0}
.note.bad{border-color:var(--bad-line);background:var(--bad);color:var(--bad-ink)}
.account{display:flex;flex-wrap:wrap;gap:.25rem 1rem;justify-content:space-between;border:1px solid var(--line);
border-radius:.5rem;padding:.625rem .875rem;margin:1.25rem 0 0;font-size:.9375rem}
.buttons{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.5rem}
button,.button{font:inherit;font-weight:600;flex:1 1 9rem;padding:.625rem 1rem;border-radius:.5rem;border:1px solid var(--line);
background:transparent;color:inherit;cursor:pointer;text-align:center;text-decoration:none}
button.main,.button.main{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}
button:hover,.button:hover{filter:brightness(.94)}
a{color:var(--accent);overflow-wrap:anywhere}a.button{color:inherit}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
label{display:block;margin:1rem 0 .25rem;font-weight:600}
input,textarea{font:inherit;width:100%;padding:.5625rem .75rem;border-radius:.5rem;border:1px solid var(--soft);
background:var(--card);color:inherit}
label.choice{display:flex;gap:.625rem;align-items:baseline;font-weight:400}
.choice input{width:auto;flex:none}
textarea,code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.9375rem}
textarea{resize:vertical;overflow-wrap:anywhere;user-select:all}
pre{margin:.5rem 0;padding:.75rem;border:1px solid var(--line);border-radius:.5rem;overflow-x:auto}
.hint{color:var(--soft);font-size:.875rem;margin:.25rem 0 0}.buttons+.hint,form+.hint{margin-top:.75rem}
footer{margin:1.25rem 0;color:var(--soft);font-size:.875rem;text-align:center;overflow-wrap:anywhere}
@media (forced-colors:active){button.main,.button.main{border-width:2px}}
`;

/** `it.body` is HTML that another template has escaped already. */
export const layoutTemplate = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex">
<title><%= it.title %></title>
<% if (it.continueTo !== undefined) { %><meta http-equiv="refresh" content="0; url=<%= it.continueTo %>"><% } %>
<style><%~ it.style %></style>
</head>
<body>
<main>
<%~ it.body %>
</main>
<footer>mcp-local-tunnel relay at <%= it.host %></footer>
<% if (it.script !== undefined) { %><script><%~ it.script %></script><% } %>
</body>
</html>
`;
