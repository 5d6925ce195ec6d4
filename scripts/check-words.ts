import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Fails when one of the patterns below is in a comment, a page or a message. They cover some of the words that
 * docs/glossary.md bans: most others have meanings that are allowed. A line is exempt if it or the line above contains
 * `words-ok`; use that for legitimate meanings only.
 */
const root = join(import.meta.dirname, '..');

const BANNED: Readonly<Record<string, string>> = {
  anew: 'again',
  whoever: 'name the person or service',
  nobody: 'name the person or service',
  'in earnest': '(delete)',
  'comes? of it': 'name the effect',
  'all the same': '(delete)',
  'twice over': 'twice',
  '(?:is|are|was|were|be|been|being) told': 'notified, published, reported',
  '(?:tells?|told) (?:of|the endpoint|everyone)': 'publish, report',
  '(?:is|are|was|were|be|been|being) asked': 'requested',
  'ask(?:s|ed)? again': 'request again',
  'in hand': 'in flight',
  '(?:falls?|fell|falling) through': 'the dialplan continues',
  '(?:gives?|given|gave|giving) up': 'dead letter; hangs up; stops',
  'switched (?:off|on)': 'disabled, enabled',
  'made up': 'synthesized',
  'close the books': 'reconcile',
  "reader's lease": 'partition lease',
  'call (?:trail|story)': 'timeline',
  'the fates?': 'scenario',
  first_byte: 'ttfb',
};

/** Files whose text is not ours, or lists these words. */
const EXCLUDED = [
  /^scripts\/check-words\.ts$/,
  /^docs\/glossary\.md$/,
  /^test\/support\/recordings\//,
  /^test\/e2e\/helm\/golden\//,
  /^package-lock\.json$/,
  /words\.zh\.js$/,
  /^LICENSE$/,
];
const TEXT = /\.(?:[cm]?[jt]s|md|ya?ml|json|lua|sh|conf|acl|xml|html|css|txt|py|go|tpl)$|^[^.]*$|^\.ci\//;

interface Finding {
  readonly path: string;
  readonly line: number;
  readonly word: string;
  readonly use: string;
}

const rules = Object.entries(BANNED).map(
  ([pattern, use]) => [new RegExp(`\\b(?:${pattern})\\b`, 'gi'), use] as const,
);

function findings(path: string): Finding[] {
  const lines = readFileSync(join(root, path), 'utf8').split('\n');
  const isExempt = (at: number) => [lines[at], lines[at - 1]].some((line) => line?.includes('words-ok'));
  return lines.flatMap((text, at) =>
    isExempt(at)
      ? []
      : rules.flatMap(([pattern, use]) =>
          [...text.matchAll(pattern)].map(([word]) => ({ path, line: at + 1, word, use })),
        ),
  );
}

const tracked = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).trim().split('\n');
const checked = tracked.filter((path) => TEXT.test(path) && !EXCLUDED.some((pattern) => pattern.test(path)));
const all = checked.flatMap(findings);
for (const { path, line, word, use } of all) console.log(`${path}:${line}: "${word}", use: ${use}`);
console.log(`${checked.length} files checked, ${all.length} findings`);
if (all.length > 0) process.exitCode = 1;
