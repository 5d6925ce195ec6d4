import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { html } from './html.js';
import { theme } from './state.js';
import { hourAndMinute } from './window.js';
import { t } from './words.js';

/** @typedef {{ label: string, colour: string, values: readonly (number | null)[], fill?: boolean }} Line */

/** One position for the cursors of all charts. */
const together = uPlot.sync('overview');
const HEIGHT = 150;
const TABLE_ROWS = 24;

/** The value of a colour of the style sheet: a canvas does not know `light-dark()`. @type {(root: HTMLElement, name: string) => string} */
function resolved(root, name) {
  root.style.color = `var(--${name})`;
  return getComputedStyle(root).color;
}

/** Each line on top of those before it. @type {(lines: readonly Line[]) => (number | null)[][]} */
function stacked(lines) {
  /** @type {number[]} */
  let below = [];
  return lines.map(({ values }) => {
    below = values.map((value, n) => (value ?? 0) + (below[n] ?? 0));
    return below;
  });
}

/** Keeps the powers of ten of a logarithmic axis. @type {uPlot.Axis.Filter} */
const decades = (_, all) => all.map((value) => (Number.isInteger(Math.log10(value)) ? value : null));

const cut = uPlot.paths.stepped?.({ align: 1 });

/**
 * @param {{ lines: readonly Line[], stack: boolean, log: boolean, format: (value: number) => string }} given
 * @param {HTMLElement} probe
 * @param {number} width
 * @param {(from: number, to: number) => void} onZoom
 * @param {(index: number | null) => void} onCursor
 * @returns {uPlot.Options}
 */
function optionsOf({ lines, stack, log, format }, probe, width, onZoom, onCursor) {
  const axis = {
    stroke: () => resolved(probe, 'quiet'),
    font: '11px system-ui, sans-serif',
    grid: { stroke: () => resolved(probe, 'line'), width: 1 },
    ticks: { stroke: () => resolved(probe, 'line'), width: 1, size: 4 },
  };
  const drawn = stack ? lines.toReversed() : lines;
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    padding: [8, 6, 0, 0],
    cursor: { sync: { key: together.key }, y: false, drag: { x: true, y: false, setScale: false } },
    scales: { y: log ? { distr: 3 } : { range: (_, __, most) => [0, most > 0 ? most * 1.08 : 1] } },
    axes: [
      { ...axis, space: 60, size: 26, values: (_, all) => all.map(hourAndMinute) },
      {
        ...axis,
        size: 58,
        space: log ? 18 : 34,
        ...(log
          ? { grid: { ...axis.grid, filter: decades }, ticks: { ...axis.ticks, filter: decades } }
          : {}),
        values: (_, all) => all.map((value) => (value === null ? '' : format(value))),
      },
    ],
    series: [
      {},
      ...drawn.map(({ colour, fill }) => ({
        stroke: () => resolved(probe, colour),
        width: stack ? 0 : 1.5,
        ...(stack || fill ? { fill: () => resolved(probe, stack ? colour : `${colour}-ground`) } : {}),
        ...(stack && cut ? { paths: cut } : {}),
        points: { show: false },
        spanGaps: !stack,
      })),
    ],
    hooks: {
      setCursor: [(chart) => onCursor(chart.cursor.idx ?? null)],
      setSelect: [
        (chart) => {
          const { left, width: wide } = chart.select;
          if (wide < 8) return;
          onZoom(chart.posToVal(left, 'x'), chart.posToVal(left + wide, 'x'));
          chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
}

/**
 * The series as a table of at most 24 rows: the readable form of the chart. A button zooms to the time of its row.
 * @param {{ caption: string, time: readonly number[], lines: readonly Line[], format: (value: number) => string,
 *   clock: (seconds: number) => string, onZoom: (from: number, to: number) => void }} props
 */
function Table({ caption, time, lines, format, clock, onZoom }) {
  const every = Math.max(1, Math.ceil(time.length / TABLE_ROWS));
  const length = every * ((time[1] ?? 0) - (time[0] ?? 0));
  const rows = time.flatMap((seconds, n) => (n % every === 0 ? [{ seconds, n }] : []));
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${caption}><table class="numbers">
    <caption class="hidden">${caption}</caption>
    <thead><tr><th scope="col">${t('time')}</th>${lines.map(({ label }) => html`<th scope="col" class="number">${label}</th>`)}</tr></thead>
    <tbody>${rows.map(
      ({
        seconds,
        n,
      }) => html`<tr><th scope="row"><button class="small plain" aria-label=${t('window.zoom to', { time: clock(seconds) })}
          onClick=${() => onZoom(seconds, seconds + length)}>${clock(seconds)}</button></th>
        ${lines.map(({ values }) => {
          const value = values[n];
          return html`<td class="number">${value === null || value === undefined ? '–' : format(value)}</td>`;
        })}</tr>`,
    )}</tbody>
  </table></div>`;
}

/**
 * A chart over time. Drag to zoom. The table below it has the same numbers.
 * @param {{ title: string, time: readonly number[], lines: readonly Line[], format: (value: number) => string,
 *   clock: (seconds: number) => string, onZoom: (from: number, to: number) => void, stack?: boolean, log?: boolean }} props
 */
export function Chart({ title, time, lines, format, clock, onZoom, stack = false, log = false }) {
  const place = useRef(/** @type {HTMLDivElement | null} */ (null));
  const probe = useRef(/** @type {HTMLSpanElement | null} */ (null));
  const chart = useRef(/** @type {uPlot | undefined} */ (undefined));
  const zoom = useRef(onZoom);
  zoom.current = onZoom;
  const [index, setIndex] = useState(/** @type {number | null} */ (null));
  const [open, setOpen] = useState(false);
  const names = lines.map(({ label }) => label).join();
  const columns = stack ? stacked(lines).toReversed() : lines.map(({ values }) => values);
  const data = /** @type {uPlot.AlignedData} */ ([time, ...columns]);

  useEffect(() => {
    const root = place.current;
    if (!root || !probe.current) return;
    const options = optionsOf(
      { lines, stack, log, format },
      probe.current,
      root.clientWidth,
      (from, to) => zoom.current(from, to),
      setIndex,
    );
    const drawn = new uPlot(options, data, root);
    chart.current = drawn;
    const sized = new ResizeObserver(() => drawn.setSize({ width: root.clientWidth, height: HEIGHT }));
    sized.observe(root);
    return () => {
      sized.disconnect();
      drawn.destroy();
      chart.current = undefined;
    };
  }, [names]);
  useEffect(() => chart.current?.setData(data), [time, lines]);
  useEffect(() => {
    const system = matchMedia('(prefers-color-scheme: dark)');
    const redraw = () => chart.current?.redraw(false);
    system.addEventListener('change', redraw);
    const ended = theme.subscribe(() => queueMicrotask(redraw));
    return () => {
      ended();
      system.removeEventListener('change', redraw);
    };
  }, []);

  // Without a cursor: the last complete interval.
  const at = index ?? time.length - 2;
  const shown = lines.map(({ label, colour, values }) => ({ label, colour, value: values[at] }));
  const words = shown.map(
    ({ label, value }) => `${label} ${value === null || value === undefined ? '–' : format(value)}`,
  );
  return html`<figure class="chart card">
    <figcaption><h2>${title}</h2> <span class="quiet">${index === null ? '' : clock(time[at] ?? 0)}</span>
      <ul class="legend">${shown.map(
        ({ label, colour, value }) => html`<li><i style=${{ background: `var(--${colour})` }}></i>${label}
          ${' '}<b>${value === null || value === undefined ? '–' : format(value)}</b></li>`,
      )}</ul></figcaption>
    <span ref=${probe} hidden></span>
    <div ref=${place} class="plot" role="img" aria-label=${`${title}. ${words.join(', ')}`}></div>
    <button type="button" class="small plain" aria-expanded=${open} aria-label=${`${t('table')}: ${title}`}
      onClick=${() => setOpen(!open)}>${t('table')}</button>
    ${open && html`<${Table} caption=${title} time=${time} lines=${lines} format=${format} clock=${clock} onZoom=${onZoom} />`}
  </figure>`;
}
