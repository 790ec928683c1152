/** The known word that was probably meant, or undefined when none is close. Case and `-`, `_` do not count. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const plain = normal(word);
  // A third of the letters may be wrong: `isuer` is `issuer`, but `foo` is not `port`.
  let best: { readonly word: string; readonly distance: number } | undefined;
  for (const candidate of known) {
    const target = normal(candidate);
    const distance = editDistance(plain, target);
    const allowed = Math.max(1, Math.floor(Math.max(plain.length, target.length) / 3));
    if (distance <= allowed && (best === undefined || distance < best.distance)) best = { word: candidate, distance };
  }
  return best?.word;
}

function normal(word: string): string {
  return word.slice(0, 64).toLowerCase().replace(/[-_]/g, '');
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one word into the other. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
