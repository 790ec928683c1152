import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent, fetch, getGlobalDispatcher, setGlobalDispatcher } from 'undici';
import { vi } from 'vitest';
import { findProgram } from '../../scripts/programs.mjs';
import { adapted, snippet } from './readme.js';

export type Kind = 'nginx' | 'caddy';

/** Settings of a proxy as README has them, with this machine's names, and quick time-outs. */
interface Settings {
  /** File to name on the command line. */
  readonly file: string;
  readonly args: readonly string[];
  /** File with the certificate that signs the proxy's own. */
  readonly ca: string;
}

/** A real proxy with TLS on a free port of this machine, which this process trusts while it is there. */
export class FrontProxy implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #before = getGlobalDispatcher();
  #output = '';
  readonly ca: string;

  private constructor(
    readonly url: string,
    kind: Kind,
    readonly settings: Settings,
    env: Readonly<Record<string, string>>,
  ) {
    this.ca = settings.ca;
    const program = findProgram(kind);
    if (program === undefined) throw new Error(`There is no ${kind}; node scripts/test-setup.mjs says what to do`);
    this.#child = spawn(program, settings.args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    this.#ended = once(this.#child, 'close');
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
  }

  /** @param target the relay's port on 127.0.0.1 */
  static async start(kind: Kind, port: number, target: number, folder: string): Promise<FrontProxy> {
    const settings = kind === 'nginx' ? await nginx(port, target, folder) : await caddy(port, target, folder);
    const proxy = new FrontProxy(`https://localhost:${port}`, kind, settings, { HOME: folder, XDG_DATA_HOME: folder });
    try {
      await proxy.#up();
    } catch (error) {
      await proxy[Symbol.asyncDispose]();
      throw new Error(`${kind} does not serve:\n${proxy.#output}`, { cause: error });
    }
    return proxy;
  }

  /** A `fetch` from another address of this machine: another visitor. */
  async from(address: string, path: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
    const dispatcher = new Agent({ connect: { ca: await readFile(this.ca) }, localAddress: address });
    try {
      const response = await fetch(`${this.url}${path}`, { headers, dispatcher });
      await response.body?.cancel();
      return response.status;
    } finally {
      await dispatcher.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const trusting = getGlobalDispatcher();
    setGlobalDispatcher(this.#before);
    if (trusting !== this.#before) await trusting.destroy();
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGTERM');
    await this.#ended;
  }

  async #up(): Promise<void> {
    const reach = async (): Promise<void> => {
      // Caddy makes its certificates at its first start.
      const dispatcher = new Agent({ connect: { ca: await readFile(this.ca) } });
      try {
        const { status } = await fetch(`${this.url}/healthz`, { dispatcher });
        if (status !== 200) throw new Error(`status ${status}`);
      } catch (error) {
        await dispatcher.destroy();
        throw error;
      }
      setGlobalDispatcher(dispatcher);
    };
    const ended = this.#ended.then(() => {
      throw new Error('it has ended');
    });
    await Promise.race([vi.waitFor(reach, { timeout: 20_000, interval: 50 }), ended]);
  }
}

async function nginx(port: number, target: number, folder: string): Promise<Settings> {
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const openssl = findProgram('openssl');
  if (openssl === undefined) throw new Error('There is no openssl; node scripts/test-setup.mjs says what to do');
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const named = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  execFileSync(openssl, ['req', '-x509', ...made, ...named, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
  const site = adapted(snippet('nginx'), {
    'tunnel.example.com': 'localhost',
    'listen 443 ssl;': `listen 127.0.0.1:${port} ssl;`,
    '# ssl_certificate …; ssl_certificate_key …;': `ssl_certificate ${certificate}; ssl_certificate_key ${key};`,
    '127.0.0.1:3000': `127.0.0.1:${target}`,
    '75s': '2s',
  });
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(folder, name)};`,
  );
  const file = join(folder, 'nginx.conf');
  await writeFile(
    file,
    `daemon off; master_process off; pid ${join(folder, 'pid')}; error_log stderr;
events {}
http {
access_log off;
${temporary.join('\n')}
${site}
}
`,
  );
  return { file, args: ['-c', file, '-p', folder], ca: certificate };
}

/** Makes a certificate authority of its own for a local name. */
async function caddy(port: number, target: number, folder: string): Promise<Settings> {
  const site = adapted(snippet('caddy'), {
    'tunnel.example.com': `https://localhost:${port}`,
    '127.0.0.1:3000': `127.0.0.1:${target}`,
  });
  const file = join(folder, 'Caddyfile');
  const options = 'admin off\nauto_https disable_redirects\nskip_install_trust\n';
  await writeFile(file, `{\n${options}}\n${site}`);
  const args = ['run', '--config', file, '--adapter', 'caddyfile'];
  return { file, args, ca: join(folder, 'caddy/pki/authorities/local/root.crt') };
}
