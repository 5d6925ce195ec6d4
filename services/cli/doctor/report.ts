import type { Format, Terminal } from '../command.ts';
import { plain, row } from '../table.ts';
import type { Area, Finding, Level } from './finding.ts';

export interface AreaFindings {
  readonly area: Area;
  readonly findings: readonly Finding[];
}

const COLOURS: Readonly<Record<Level, Format>> = { ok: 'green', warning: 'yellow', error: 'red' };
const AREA_WIDTH = 10;
const CHECK_WIDTH = 18;
const LEVEL_WIDTH = 7;

const countOf = (all: readonly Finding[], level: Level): number =>
  all.filter((one) => one.level === level).length;

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

export function report(areas: readonly AreaFindings[], json: boolean, { out, paint }: Terminal): void {
  const all = areas.flatMap(({ findings }) => findings);
  const [errors, warnings] = [countOf(all, 'error'), countOf(all, 'warning')];
  if (json) {
    const findings = areas.flatMap(({ area, findings: found }) => found.map((one) => ({ area, ...one })));
    out(JSON.stringify({ ok: errors === 0, errors, warnings, findings }));
    return;
  }
  const widths = [AREA_WIDTH, CHECK_WIDTH, LEVEL_WIDTH];
  for (const { area, findings } of areas)
    for (const { check, level, found, remedy } of findings) {
      out(row([['bold', area], check, [COLOURS[level], level], found], widths, paint));
      if (remedy !== undefined) out(`  ${paint('yellow', 'Remedy:')} ${plain(remedy)}`);
    }
  out('');
  out(`${counted(errors, 'error')}, ${counted(warnings, 'warning')}`);
}
