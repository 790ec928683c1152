import { kindOf, selfTimes, titleOf } from './profile-sums.mjs';

const ROW = 18;
/** Of the whole; narrower ones are left out. */
const NARROWEST = 0.0005;
const COLOURS = {
  'own code': '#f0a050',
  packages: '#7fb2e5',
  Node: '#9fce8b',
  'garbage collector': '#e06c6c',
  'writes, most of it the kernel': '#b39ddb',
  'other native code': '#c8c8c8',
};

/**
 * A profile as a flame graph: one page that needs nothing else. Callers stand above what they call, the widest first; a
 * click makes a function as wide as the page.
 */
export function flameGraph(profile, title) {
  const { self, total } = selfTimes(profile);
  const root = tree(profile.nodes, self);
  const boxes = [];
  let deepest = 0;
  const place = (node, left, depth) => {
    deepest = Math.max(deepest, depth);
    boxes.push(box(node, left / total, node.ms / total, depth));
    let from = left;
    for (const child of [...node.children.values()].sort((a, b) => b.ms - a.ms)) {
      if (child.ms / total >= NARROWEST) place(child, from, depth + 1);
      from += child.ms;
    }
  };
  place(root, 0, 0);
  return page(title, boxes, deepest);
}

/** Calls of the same function by the same one are one box, wherever in its code they stand. */
function tree(nodes, self) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const root = { frame: undefined, ms: 0, children: new Map() };
  const fill = (into, node) => {
    let ms = self.get(node.id) ?? 0;
    for (const id of node.children ?? []) {
      const { callFrame: frame } = byId.get(id);
      const key = titleOf(frame);
      const child = into.children.get(key) ?? { frame, ms: 0, children: new Map() };
      into.children.set(key, child);
      ms += fill(child, byId.get(id));
    }
    into.ms += ms;
    return ms;
  };
  fill(root, nodes[0]);
  return root;
}

function box({ frame, ms }, left, width, depth) {
  const text = frame === undefined ? 'all' : titleOf(frame);
  const told = escaped(`${text}: ${ms.toFixed(1)} ms, ${(width * 100).toFixed(1)} %`);
  const colour = frame === undefined ? '#ddd' : COLOURS[kindOf(frame)];
  const style = `--l:${left.toFixed(5)};--s:${width.toFixed(5)};top:${depth * ROW}px;background:${colour}`;
  return `<i style="${style}" title="${told}">${escaped(text)}</i>`;
}

function page(title, boxes, deepest) {
  const legend = Object.entries(COLOURS).map(([kind, colour]) => `<b style="background:${colour}">${kind}</b>`);
  return `<!doctype html>
<meta charset="utf-8">
<title>${escaped(title)}</title>
<style>
body { font: 12px system-ui, sans-serif; margin: 12px }
b { font-weight: normal; padding: 2px 6px; margin-right: 6px }
main { position: relative; overflow: hidden; margin-top: 12px; height: ${(deepest + 1) * ROW}px; --x: 0; --w: 1 }
i { position: absolute; box-sizing: border-box; height: ${ROW}px; line-height: ${ROW}px; overflow: hidden; white-space: nowrap;
  font-style: normal; cursor: pointer; border: solid #fff; border-width: 0 1px 1px 0; text-indent: 3px;
  left: calc((var(--l) - var(--x)) / var(--w) * 100%); width: calc(var(--s) / var(--w) * 100%) }
</style>
<h1>${escaped(title)}</h1>
${legend.join('\n')}
<main>
${boxes.join('\n')}
</main>
<script>
document.querySelector('main').addEventListener('click', ({ target, currentTarget }) => {
  if (target === currentTarget) return;
  currentTarget.style.setProperty('--x', target.style.getPropertyValue('--l'));
  currentTarget.style.setProperty('--w', target.style.getPropertyValue('--s'));
});
</script>
`;
}

function escaped(text) {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
