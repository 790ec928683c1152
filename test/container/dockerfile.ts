/** Reads a Dockerfile as far as this project's uses the syntax: stages, flags, line continuations, no here-documents. */

export interface Instruction {
  readonly keyword: string;
  /** `--name=value` before the arguments; an empty value for a bare flag. */
  readonly flags: Readonly<Record<string, string>>;
  readonly args: string;
}

export interface Stage {
  readonly image: string;
  readonly name?: string;
  /** Without FROM. */
  readonly steps: readonly Instruction[];
}

/** @throws when an instruction stands before the first FROM or a line is none */
export function parseDockerfile(text: string): Stage[] {
  const joined = text.replace(/^\s*#.*\n/gm, '').replace(/\\\n/g, ' ');
  const stages: { image: string; name?: string; steps: Instruction[] }[] = [];
  for (const line of joined.split('\n').map((each) => each.trim())) {
    if (line === '') continue;
    const match = /^([A-Z]+)\s+((?:--\S+\s+)*)(.*)$/.exec(line);
    if (!match) throw new Error(`Not an instruction: ${line}`);
    const [, keyword = '', flagText = '', args = ''] = match;
    const pairs = flagText.matchAll(/--([a-z-]+)(?:=(\S+))?/g);
    const flags = Object.fromEntries([...pairs].map(([, name = '', value = '']) => [name, value]));
    if (keyword === 'FROM') {
      const [image = '', , name] = args.split(/\s+/);
      stages.push({ image, ...(name ? { name } : {}), steps: [] });
      continue;
    }
    const stage = stages.at(-1);
    if (!stage) throw new Error(`${keyword} before the first FROM`);
    stage.steps.push({ keyword, flags, args });
  }
  return stages;
}

/** JSON form of CMD, ENTRYPOINT and HEALTHCHECK; undefined for the shell form. */
export function execForm(args: string): string[] | undefined {
  if (!args.startsWith('[')) return undefined;
  const value: unknown = JSON.parse(args);
  return Array.isArray(value) ? value.map(String) : undefined;
}

/** What is wrong with it, one line for each finding. */
export function lintDockerfile(stages: readonly Stage[]): string[] {
  const last = stages.at(-1);
  if (!last) return ['no FROM'];
  const found: string[] = [];
  const names = stages.map(({ name }) => name);
  const of = (keyword: string) => last.steps.filter((step) => step.keyword === keyword);
  const position = (keyword: string) => last.steps.findIndex((step) => step.keyword === keyword);

  for (const { image, steps } of stages) {
    const tag = image.split(':')[1];
    if (!names.includes(image) && (tag === undefined || tag === 'latest')) found.push(`${image} has no fixed tag`);
    for (const { keyword, args } of steps) {
      if (keyword === 'ADD') found.push(`ADD ${args}: COPY takes no URLs and unpacks nothing`);
      if (keyword === 'RUN' && /\bsudo\b|\bcurl\b.*\|\s*(ba)?sh/.test(args)) found.push(`RUN ${args}`);
      if (/(TOKEN|SECRET|PASSWORD)\s*=/.test(args)) found.push(`${keyword} holds a secret`);
    }
    // Sources change often, dependencies seldom: the layer with them must not depend on the sources.
    const sources = steps.findIndex(
      ({ keyword, args, flags }) => keyword === 'COPY' && !flags.from && args.startsWith('. '),
    );
    const install = steps.findIndex(({ keyword, args }) => keyword === 'RUN' && /\bnpm ci\b/.test(args));
    if (sources !== -1 && (install === -1 || install > sources)) found.push('sources are copied before npm ci');
  }
  for (const keyword of ['USER', 'VOLUME', 'HEALTHCHECK', 'ENTRYPOINT', 'STOPSIGNAL', 'EXPOSE']) {
    if (of(keyword).length !== 1) found.push(`${of(keyword).length} ${keyword} in the last stage`);
  }
  const user = of('USER')[0]?.args ?? '';
  if (!/^[1-9]\d*(:\d+)?$/.test(user))
    found.push(`USER ${user}: a number that is not 0, so that runAsNonRoot can check it`);
  if (
    last.steps.some(
      ({ keyword }, index) => keyword === 'RUN' && index > position('VOLUME') && position('VOLUME') !== -1,
    )
  ) {
    found.push('RUN after VOLUME: what it writes there is lost');
  }
  for (const keyword of ['ENTRYPOINT', 'HEALTHCHECK']) {
    const args = of(keyword)[0]?.args.replace(/^.*?CMD\s+/, '') ?? '';
    if (!execForm(args)) found.push(`${keyword} in shell form: signals would stop at the shell`);
  }
  return found;
}
