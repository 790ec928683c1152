import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { promisify } from 'node:util';
import type { Instruction, Stage } from './dockerfile.js';

const run = promisify(execFile);

/** A stage after its steps: a folder that stands for `/`, and what the image would remember. */
export interface BuiltStage {
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string;
  readonly user?: number;
}

/** Absolute paths of the image as paths below `root`; those of the machine (/usr/bin) stay. */
export function inside(root: string, text: string): string {
  return text.replaceAll(/(?<=^|[\s=:"'])\/(?=(src|opt|data|tmp)(\/|[\s:"']|$))/g, `${root}/`);
}

/** Runs the steps of each stage without a container engine: RUN by sh, with the image's folders moved below a temp folder. */
export async function buildStages(context: string, stages: readonly Stage[]): Promise<BuiltStage[]> {
  const folder = await mkdtemp(join(tmpdir(), 'image-'));
  // The image's user is not the one who builds.
  await chmod(folder, 0o755);
  const built: BuiltStage[] = [];
  for (const [index, stage] of stages.entries()) {
    const root = join(folder, String(index));
    await mkdir(join(root, 'tmp'), { recursive: true });
    const byName = (name: string) => built[stages.findIndex((other) => other.name === name)]?.root;
    let state: BuiltStage = { root, env: {}, workdir: '/tmp' };
    for (const step of stage.steps)
      state = await apply(state, step, step.flags.from ? byName(step.flags.from) : context);
    built.push(state);
  }
  return built;
}

async function apply(state: BuiltStage, step: Instruction, source: string | undefined): Promise<BuiltStage> {
  const { root } = state;
  switch (step.keyword) {
    case 'WORKDIR':
      await mkdir(join(root, step.args), { recursive: true });
      return { ...state, workdir: step.args };
    case 'ENV': {
      const pairs = step.args.split(/\s+/).map((pair) => pair.split('='));
      const known: Record<string, string | undefined> = { ...process.env, ...state.env };
      const value = (text: string) =>
        inside(
          root,
          text.replaceAll(/\$(\w+)/g, (_, name: string) => known[name] ?? ''),
        );
      return {
        ...state,
        env: { ...state.env, ...Object.fromEntries(pairs.map(([name, text = '']) => [name, value(text)])) },
      };
    }
    case 'USER':
      return { ...state, user: Number.parseInt(step.args, 10) };
    case 'COPY':
      if (source === undefined) throw new Error(`COPY ${step.args}: no such stage`);
      await copy(
        step.args.split(/\s+/),
        source,
        posix.join(root, step.args.startsWith('/') ? '' : state.workdir),
        root,
      );
      return state;
    case 'RUN': {
      // Only root can give a folder away; whoever builds as somebody else keeps it.
      const command = process.getuid?.() === 0 ? step.args : step.args.replaceAll(/\bchown \S+/g, 'test -e');
      const env = { ...process.env, ...state.env };
      await run('sh', ['-ec', inside(root, command)], { cwd: join(root, state.workdir), env, maxBuffer: 1 << 26 });
      return state;
    }
    default:
      return state;
  }
}

/** COPY's own rules: `.` is the whole context, a star stands for a part of one name, a target with a slash at its end is a folder. */
async function copy(args: readonly string[], source: string, workdir: string, root: string): Promise<void> {
  const target = args.at(-1) ?? '';
  const to = target.startsWith('/') ? join(root, target) : join(workdir, target);
  for (const pattern of args.slice(0, -1)) {
    const parent = join(source, dirname(pattern));
    const name = posix.basename(pattern);
    const matches = name.includes('*')
      ? (await readdir(parent)).filter((file) => file.endsWith(name.replace('*', '')))
      : [name];
    if (matches.length === 0) throw new Error(`COPY ${pattern}: nothing there`);
    for (const file of matches) {
      const into = target.endsWith('/') && file !== '.' ? join(to, file) : to;
      await cp(join(parent, file), into, { recursive: true, verbatimSymlinks: true });
    }
  }
}

/** What `docker build .` would send: the files git knows or would add, as far as .dockerignore lets them through. */
export async function copyContext(root: string, to: string): Promise<void> {
  const { stdout } = await run('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, maxBuffer: 1 << 26 });
  const lines = (await readFile(join(root, '.dockerignore'), 'utf8'))
    .split('\n')
    .filter((line) => line && !line.startsWith('#'));
  const rules = lines.map((line) => ({ keep: line.startsWith('!'), pattern: matcher(line.replace(/^!/, '')) }));
  const kept = (file: string) => rules.reduce((keep, rule) => (rule.pattern.test(file) ? rule.keep : keep), true);
  for (const file of stdout.split('\n').filter((line) => line && kept(line))) {
    await mkdir(dirname(join(to, file)), { recursive: true });
    await cp(join(root, file), join(to, file));
  }
}

function matcher(pattern: string): RegExp {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('**/', '(.*/)?').replaceAll(/(?<!\.)\*/g, '[^/]*')}(/.*)?$`);
}
