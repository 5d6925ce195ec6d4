import { MINIMUM_NODE } from '#libs/lifecycle/node-version.ts';

/** The Debian packages: their control fields and contents. Paths are relative to the root of the project. */

export interface Versions {
  readonly dialhook: string;
  readonly node: string;
}

export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: 'all' | 'host';
  readonly depends: readonly string[];
  /** Other fields of DEBIAN/control that not every package has. */
  readonly fields: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly description: readonly string[];
  /** By target: a file or folder that is copied. */
  readonly copied: Readonly<Record<string, string>>;
  /** By target: a file of deploy/debian/files, in which @KEY@ is replaced. */
  readonly written: Readonly<Record<string, { readonly from: string; readonly mode: number }>>;
  /** Names of files in deploy/debian/scripts, by maintainer script. */
  readonly scripts: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, string>>;
}

/** Where every package puts its part of the project. */
export const HOME = '/usr/lib/dialhook';
const SECRET = 0o640;

/** Programs that the services run on: production packages of package-lock.json without those that only compilers need. */
export const LEFT_OUT =
  /^node_modules\/(?:@types\/|node-linux-|undici-types$|(?:.*\/)?@?msgpackr-extract(?:\/|$))/;

const SERVICES = {
  agent: [
    'agent beside a FreeSWITCH node',
    'Accepts the calls of FreeSWITCH, executes decisions and publishes events.',
  ],
  router: [
    'requests to HTTP endpoints',
    'Sends the request about a call to its HTTP endpoint and validates the answer.',
  ],
  notifier: [
    'notifications to HTTP endpoints',
    'Delivers ring, progress, answer and hangup of calls to HTTP endpoints.',
  ],
  console: [
    'web page that shows calls',
    'Shows live and recent calls, their timelines, dead letters and endpoints.',
  ],
} as const;

const PRODUCT = ['Dialhook lets an HTTP endpoint route FreeSWITCH calls.'];

function servicePackage(service: keyof typeof SERVICES, { dialhook }: Versions): DebianPackage {
  const [summary, text] = SERVICES[service];
  const name = `dialhook-${service}`;
  const unit = { from: 'service.unit', mode: 0o644 };
  return {
    name,
    version: dialhook,
    architecture: 'all',
    depends: [`dialhook-common (= ${dialhook})`, 'systemd (>= 247)'],
    fields: {},
    summary: `HTTP call routing for FreeSWITCH: ${summary}`,
    description: [
      ...PRODUCT,
      text,
      `The service does not start by itself: set /etc/dialhook/${service}.env first.`,
    ],
    copied: { [`${HOME}/services/${service}`]: `services/${service}` },
    written: {
      [`/usr/lib/systemd/system/${name}.service`]: unit,
      // A second agent for the same node, such as dialhook-agent@b, has /etc/dialhook/agent-b.env in addition.
      ...(service === 'agent' && { [`/usr/lib/systemd/system/${name}@.service`]: unit }),
      [`/etc/dialhook/${service}.env`]: { from: `${service}.env`, mode: SECRET },
    },
    scripts: { postinst: 'service.postinst', prerm: 'service.prerm', postrm: 'service.postrm' },
    values: { SERVICE: service, NAME: service, PACKAGE: name },
  };
}

export function debianPackages(versions: Versions): readonly DebianPackage[] {
  const { dialhook, node } = versions;
  return [
    {
      name: 'dialhook-node',
      version: node,
      architecture: 'host',
      depends: ['libatomic1', 'libc6 (>= 2.28)', 'libgcc-s1', 'libstdc++6'],
      fields: {},
      summary: 'Node.js for the services of Dialhook',
      description: [
        `The official build of Node.js, as ${HOME}/bin/node. It does not replace another Node.js.`,
      ],
      copied: {},
      written: {},
      scripts: { postinst: 'node.postinst' },
      values: {},
    },
    {
      name: 'dialhook-common',
      version: dialhook,
      architecture: 'all',
      depends: [`dialhook-node (>= ${MINIMUM_NODE})`, 'systemd (>= 247) | systemd-standalone-sysusers'],
      fields: {},
      summary: 'HTTP call routing for FreeSWITCH: files of all services',
      description: [...PRODUCT, 'Libraries, documentation and the settings that all services share.'],
      copied: {
        [`${HOME}/package.json`]: 'package.json',
        [`${HOME}/libs`]: 'libs',
        '/usr/share/doc/dialhook-common/CHANGELOG.md': 'CHANGELOG.md',
        ...Object.fromEntries(
          [
            'architecture',
            'backup',
            'cli',
            'coming-from',
            'configuration',
            'console',
            'contract',
            'debian',
            'dependencies',
            'endpoint',
            'glossary',
            'kubernetes',
            'log-events',
            'metrics',
            'notifier',
            'runbook',
            'security',
            'tutorial-compose',
            'tutorial-kubernetes',
            'tutorial-systemd',
          ].map((page) => [`/usr/share/doc/dialhook-common/${page}.md`, `docs/${page}.md`]),
        ),
      },
      written: {
        '/usr/lib/sysusers.d/dialhook.conf': { from: 'sysusers.conf', mode: 0o644 },
        '/etc/dialhook/common.env': { from: 'common.env', mode: SECRET },
      },
      scripts: { postinst: 'common.postinst' },
      values: {},
    },
    ...(Object.keys(SERVICES) as (keyof typeof SERVICES)[]).map((service) =>
      servicePackage(service, versions),
    ),
    {
      name: 'dialhook',
      version: dialhook,
      architecture: 'all',
      depends: [`dialhook-common (= ${dialhook})`],
      fields: { Suggests: 'dialhook-agent, dialhook-console, dialhook-notifier, dialhook-router' },
      summary: 'HTTP call routing for FreeSWITCH: command line',
      description: [...PRODUCT, 'The command dialhook checks a node, shows calls and replays notifications.'],
      copied: { [`${HOME}/services/cli`]: 'services/cli' },
      written: { '/usr/bin/dialhook': { from: 'dialhook', mode: 0o755 } },
      scripts: {},
      values: {},
    },
  ];
}
