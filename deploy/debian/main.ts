import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { buildPackages } from './build.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const USAGE = `npm run package -- [OPTION...]

Builds the Debian packages of all services for this machine's architecture. Uses the installed npm packages, no network.

  --output FOLDER      where the .deb files go (default dist/debian)
  --version VERSION    version of the packages (default: that of package.json)
  --node PATH          Node that is packaged (default: the one that npm has installed)
  --only PACKAGE       build only this package; repeatable
  --compression NAME   xz, gzip or none (default xz)

DEBFULLNAME and DEBEMAIL name the maintainer of the packages.
SOURCE_DATE_EPOCH is the time of all files, s since 1970; default: the time of the last commit.
`;

const { values } = parseArgs({
  options: {
    output: { type: 'string', default: join(ROOT, 'dist/debian') },
    version: {
      type: 'string',
      default: JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version,
    },
    node: { type: 'string', default: process.execPath },
    compression: { type: 'string', default: 'xz' },
    only: { type: 'string', multiple: true },
    help: { type: 'boolean', short: 'h' },
  },
});

function compressionOf(name: string): 'xz' | 'gzip' | 'none' {
  if (name === 'xz' || name === 'gzip' || name === 'none') return name;
  throw new Error(`--compression must be xz, gzip or none (it is "${name}")`);
}

const lastCommit = () =>
  execFileSync('git', ['-C', ROOT, 'log', '-1', '--format=%ct'], { encoding: 'utf8' }).trim();

const { DEBFULLNAME, DEBEMAIL } = process.env;

if (values.help) process.stdout.write(USAGE);
else
  for (const deb of buildPackages({
    version: values.version,
    node: realpathSync(values.node),
    output: values.output,
    compression: compressionOf(values.compression),
    only: values.only,
    maintainer: `${DEBFULLNAME || 'The Dialhook authors'} <${DEBEMAIL || 'dialhook@localhost'}>`,
    epoch: Number(process.env['SOURCE_DATE_EPOCH'] || lastCommit()),
  }))
    process.stdout.write(`${relative('', deb)}  ${(statSync(deb).size / 1e6).toFixed(1)} MB\n`);
