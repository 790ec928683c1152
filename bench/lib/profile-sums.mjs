// Where the time of a .cpuprofile went; idle time left out.

/** What V8 calls a function of Node's that hands bytes to the kernel: for a socket or a pipe, mostly its system call. */
const WRITES = new Set([
  'writev',
  'writeBuffer',
  'writeUtf8String',
  'writeLatin1String',
  'writeAsciiString',
  'shutdown',
]);
const GC = '(garbage collector)';
const NATIVE = '(native)';
const LEFT_OUT = new Set(['(idle)', '(root)']);

/** Of a file of ours, its folder below dist/; of one of the benchmark's, `bench`. */
const OWN = /\/(dist\/(?:relay\/)?[^/]+|bench|scripts)\/[^/]/;
/** The release holds its packages in its own files: only a profile of dist/ (`--source`) tells them apart. */
const BUNDLED = /\/package\/dist\//;

/** @returns the package, the folder of ours, or the part of Node that a frame of a profile belongs to */
export function placeOf({ functionName, url }) {
  if (functionName === GC) return GC;
  if (url === '') return NATIVE;
  if (BUNDLED.test(url)) return 'the release';
  const name = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules)/.exec(url)?.[1];
  return name ?? OWN.exec(url)?.[1] ?? (url.startsWith('node:') ? url.split('/', 1)[0] : url);
}

/** @returns what kind of work a frame is: one of the rows of `shares` */
export function kindOf(frame) {
  const place = placeOf(frame);
  if (place === GC) return 'garbage collector';
  if (place === NATIVE) return WRITES.has(frame.functionName) ? 'writes, most of it the kernel' : 'other native code';
  if (place.startsWith('node:')) return 'Node';
  return OWN.test(frame.url) || BUNDLED.test(frame.url) ? 'own code' : 'packages';
}

/** @returns name and place of a function, as the tables show it */
export function titleOf({ functionName, url, lineNumber }) {
  const name = functionName || '(anonymous)';
  if (url === '') return name;
  return `${name} ${url.replace(/^.*\/(node_modules|dist|bench|scripts)\//, '')}:${lineNumber + 1}`;
}

/** @returns `self`, the milliseconds of each node by its id, and their `total` */
export function selfTimes({ nodes, samples, timeDeltas }) {
  const left = new Set(nodes.filter(({ callFrame }) => LEFT_OUT.has(callFrame.functionName)).map(({ id }) => id));
  const self = new Map();
  let total = 0;
  for (const [index, id] of samples.entries()) {
    if (left.has(id)) continue;
    add(self, id, timeDeltas[index] / 1000);
    total += timeDeltas[index] / 1000;
  }
  return { self, total };
}

/** @returns `total` milliseconds, and of these by kind, by place and by function, the most first */
export function sums(profile) {
  const { self, total } = selfTimes(profile);
  const by = { kinds: new Map(), places: new Map(), functions: new Map() };
  for (const { id, callFrame } of profile.nodes) {
    const ms = self.get(id) ?? 0;
    if (ms === 0) continue;
    add(by.kinds, kindOf(callFrame), ms);
    add(by.places, placeOf(callFrame), ms);
    add(by.functions, titleOf(callFrame), ms);
  }
  const sorted = (map) => [...map].sort(([, a], [, b]) => b - a);
  return { total, kinds: sorted(by.kinds), places: sorted(by.places), functions: sorted(by.functions) };
}

function add(map, key, ms) {
  map.set(key, (map.get(key) ?? 0) + ms);
}
