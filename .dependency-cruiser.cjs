/** Closed world: an import that no line below allows is an error. The table is in each lib's README. */
const lib = (name) => `^libs/${name}/src/`;
const facade = (name) => `^libs/${name}/src/index\\.ts$`;

/** lib -> the libs it may import (besides errors), through their index only. */
const mayImport = {
  errors: [],
  threads: [],
  config: [],
  logging: [],
  access: [],
  tlog: [],
  iam: [],
  attestation: ['tlog'],
  witness: ['tlog'],
  persistence: ['config'],
  process: ['config', 'logging', 'persistence'],
  queue: ['persistence'],
  ledger: ['tlog', 'persistence', 'threads'],
  vault: ['persistence', 'config'],
  inference: ['iam', 'tlog', 'persistence', 'config'],
  registry: ['ledger', 'inference', 'vault', 'queue', 'iam', 'tlog', 'persistence', 'config'],
  verification: [
    'iam',
    'ledger',
    'inference',
    'vault',
    'queue',
    'attestation',
    'tlog',
    'persistence',
    'config',
  ],
  audit: ['ledger', 'inference', 'registry', 'vault', 'verification', 'attestation', 'tlog', 'persistence'],
};
const libs = Object.keys(mayImport);
const npmAndNode = { dependencyTypes: ['npm', 'npm-optional', 'core', 'npm-no-pkg'] };

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'pure-libs',
      comment: 'errors, tlog, iam and attestation know no framework, database, file system or environment',
      severity: 'error',
      from: { path: '^libs/(errors|tlog|iam|attestation)/src/', pathNot: '\\.spec\\.ts$' },
      to: {
        path: '(^|node_modules/)(@nestjs|kysely|postgres|fs|node:fs|fs/promises|node:fs/promises|net|http|https|child_process)(/|$)',
      },
    },
    {
      name: 'no-dev-dependency-in-product',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: ['\\.spec\\.ts$', '^apps/cli/build\\.mjs$'] },
      to: { dependencyTypes: ['npm-dev'] },
    },
    {
      name: 'training-stays-in-the-lab',
      comment: 'TensorFlow.js: to train in the lab, to run models in the inference lib; nowhere else',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: '^(apps/lab|libs/inference)/' },
      to: { path: 'node_modules/@tensorflow/' },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  allowed: [
    { from: {}, to: npmAndNode },
    { from: { path: ['\\.spec\\.ts$', '^apps/cli/build\\.mjs$'] }, to: { dependencyTypes: ['npm-dev'] } },
    { from: { path: '\\.spec\\.ts$' }, to: { path: '^test/support/' } },
    ...libs.map((name) => ({ from: { path: lib(name) }, to: { path: lib(name) } })),
    ...libs.flatMap((name) =>
      ['errors', ...mayImport[name]].map((other) => ({
        from: { path: lib(name) },
        to: { path: facade(other) },
      })),
    ),
    ...['daemon', 'worker', 'cli'].flatMap((app) => [
      { from: { path: `^apps/${app}/` }, to: { path: `^apps/${app}/` } },
      { from: { path: `^apps/${app}/` }, to: { path: '^libs/[^/]+/src/index\\.ts$' } },
    ]),
    // The lab trains models and compares scores; the command line's demo shows it through the public API. Nothing else sees it.
    { from: { path: '^apps/lab/' }, to: { path: '^apps/lab/' } },
    { from: { path: '^apps/lab/' }, to: { path: '^libs/[^/]+/src/index\\.ts$' } },
    { from: { path: '^apps/cli/src/demo/' }, to: { path: '^apps/lab/src/index\\.ts$' } },
    { from: { path: '^test/' }, to: { path: '^(test|apps|libs)/' } },
    { from: { path: '^test/' }, to: { dependencyTypes: ['npm-dev'] } },
  ],
  allowedSeverity: 'error',
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
