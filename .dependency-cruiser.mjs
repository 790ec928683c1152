/** What every folder of the relay is given: the names of what Nest injects, and whether the relay is going down. */
const injected = ['src/relay/tokens.ts', 'src/relay/draining.ts'];

/**
 * The import rule, in the order of the table in docs/architecture.md. `npm run imports` checks it.
 * A path that ends in `.ts` is one file; any other is a folder with everything below it.
 */
const mayImport = {
  'src/protocol': [],
  'src/config': [],
  'src/log': [],
  'src/cli': ['src/config', 'src/log'],
  'src/commands': [
    'src/cli',
    'src/config',
    'src/log',
    'src/relay/relay.ts',
    'src/agent/foreground.ts',
    'src/agent/login.ts',
    'src/agent/status.ts',
    'src/agent/session/stdio-entry.ts',
    'src/agent/session/daemon.ts',
  ],
  'src/agent': ['src/protocol', 'src/config', 'src/log'],
  'src/relay/devices': ['src/protocol', 'src/config', 'src/log', 'src/relay/store', ...injected],
  'src/relay/auth': ['src/config', 'src/log', 'src/relay/store', ...injected],
  'src/relay/mcp': [
    'src/protocol',
    'src/config',
    'src/log',
    'src/relay/auth',
    'src/relay/devices',
    'src/relay/store',
    ...injected,
  ],
  'src/relay/tunnel': ['src/protocol', 'src/config', 'src/log', 'src/relay/auth', 'src/relay/devices', ...injected],
  'src/relay/web': ['src/config', 'src/log', 'src/relay/auth', 'src/relay/devices', 'src/relay/store', ...injected],
  'src/relay/store': ['src/config', 'src/log', ...injected],
};

/** Packages with a home, and the folders that are it. */
const packageHomes = {
  'Nest and rxjs': [['@nestjs/[^/]+', 'rxjs'], ['src/relay']],
  'express, passport and oidc-provider': [
    ['express', 'express-rate-limit', 'helmet', 'passport', 'oidc-provider', 'eta'],
    ['src/relay'],
  ],
  'class-validator and class-transformer': [
    ['class-validator', 'class-transformer'],
    ['src/config', 'src/relay'],
  ],
  'reflect-metadata': [['reflect-metadata'], ['src/config', 'src/relay']],
  oclif: [['@oclif/[^/]+'], ['src/cli', 'src/commands']],
  ws: [['ws'], ['src/relay/tunnel', 'src/agent/link']],
  'the MCP SDK': [['@modelcontextprotocol/[^/]+'], ['src/relay/mcp', 'src/agent/servers', 'src/agent/session']],
  'openid-client': [['openid-client'], ['src/relay/auth', 'src/agent']],
  'classic-level': [['classic-level'], ['src/relay/store']],
};

const test = '\\.test\\.ts$';
const at = (path) => (path.endsWith('.ts') ? `^${path.replaceAll('.', '\\.')}$` : `^${path}/`);
const under = (paths) => paths.map(at);
const inPackage = (names) => `node_modules/(@types/)?(${names.join('|')})/`;
const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

export default {
  forbidden: [
    ...Object.entries(mayImport).map(([folder, allowed]) =>
      rule(
        `${folder.replace('src/', '').replace('/', '-')}-imports`,
        `${folder} may import ${allowed.join(', ') || 'no other folder'}.`,
        { path: at(folder) },
        { path: '^src/', pathNot: [at(folder), ...under(allowed)] },
      ),
    ),
    rule(
      'relay-root-imports',
      'The files that assemble the relay may import all of it, never the agent or the command line.',
      { path: '^src/relay/[^/]+$' },
      { path: '^src/', pathNot: under(['src/relay', 'src/protocol', 'src/config', 'src/log']) },
    ),
    rule(
      'folder-without-a-rule',
      'A new folder under src/ needs a line in the table above.',
      { path: '^src/', pathNot: [...under(Object.keys(mayImport)), '^src/relay/[^/]+$'] },
      {},
    ),
    rule(
      'commands-load-lazily',
      'The relay and the agent are loaded by `await import()` inside run(), so that --help and status start fast.',
      { path: '^src/commands/' },
      { path: '^src/(relay|agent)/', dependencyTypesNot: ['dynamic-import', 'type-only'] },
    ),
    rule(
      'protocol-is-pure',
      'The wire format imports nothing, neither packages nor Node.',
      { path: '^src/protocol/', pathNot: test },
      { pathNot: '^src/protocol/' },
    ),
    ...Object.entries(packageHomes).map(([what, [packages, homes]]) =>
      rule(
        `home-of-${packages[0].replace(/\/.*$/, '').replace('@', '')}`,
        `${what} only in ${homes.join(', ')}.`,
        { path: '^src/', pathNot: [...under(homes), test] },
        { path: inPackage(packages) },
      ),
    ),
    rule(
      'environment-only-in-config',
      'Only src/config reads the environment; elsewhere the global `process` does for signals and exit codes, and the linter watches `process.env`.',
      { path: '^src/', pathNot: ['^src/config/', test] },
      { path: '^(node:)?process$' },
    ),
    rule(
      'test-packages-only-in-tests',
      'vitest, the test clients and other development packages are not installed with the release.',
      { path: '^src/', pathNot: test },
      { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    ),
    rule(
      'no-undeclared-package',
      'Every package that is imported stands in package.json.',
      { path: '^src/' },
      { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown'] },
    ),
    rule(
      'source-stands-alone',
      'Nothing under src/ needs the tests, the benchmark or the scripts.',
      { path: '^src/', pathNot: test },
      { path: '^(test|bench|scripts|bin)/' },
    ),
    rule('tests-are-not-imported', 'A test file belongs to nobody else.', { path: '^src/' }, { path: test }),
    rule(
      'no-barrels',
      'Import the file that has it.',
      { path: '^src/' },
      { path: '/index\\.ts$', pathNot: 'node_modules' },
    ),
    rule('no-cycles', 'Files that need each other are one file, or three.', { path: '^src/' }, { circular: true }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
