import { html } from './html.js';
import { linesOf } from './label.js';
import { scaleOf, sequenceOf } from './sequence.js';
import { offset, span, t } from './words.js';

/** @import { CallDetail } from '../../../libs/contract/console.ts' */
/** @import { Arrow, Lane, Sequence } from './sequence.js' */

const GUTTER = 68;
const LANE = 124;
const HEAD = 40;
/** From the line of a lane to a text beside it. */
const MARGIN = 5;
const BESIDE_DOT = 10;
/** Lanes that fit beside the timeline. */
const MAX_BESIDE = 4;

/** @type {(arrow: Arrow) => string} */
function arrowWords({ key, values }) {
  const { action, retry_in_ms } = values;
  const named = {
    ...values,
    action: action === undefined ? '' : t(`action.${action}`),
    wait: span(/** @type {number | undefined} */ (retry_in_ms)),
  };
  return t(key, named);
}

/** @type {(text: string, most: number) => string} */
const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

/** @param {{ lane: Lane, x: number, height: number }} props */
const LaneLine = ({ lane, x, height }) => html`<g class="lane">
  <text x=${x} y="14" text-anchor="middle" class="kind">${t(`lane.${lane.kind}`)}</text>
  <text x=${x} y="30" text-anchor="middle">${cut(lane.name || '?', 18)}<title>${lane.name}</title></text>
  <line x1=${x} x2=${x} y1=${HEAD} y2=${HEAD + height} />
</g>`;

/** Room for the text of an arrow between its lanes, or of a note before the next lane. @type {(from: number, to: number) => number} */
const roomOf = (from, to) => (from === to ? LANE - BESIDE_DOT - MARGIN : Math.abs(to - from) - 2 * MARGIN);

/** One text element of one or two lines, so that a search in the page finds the whole text. @param {{ lines: string[], x: number, y: number, below: number, anchor: string }} props */
const Label = ({ lines: [first, second], x, y, below, anchor }) =>
  html`<text x=${x} y=${y} text-anchor=${anchor}>${first}${second && html` <tspan x=${x} y=${below}>${second}</tspan>`}</text>`;

/** @param {{ arrow: Arrow, lines: string[], y: number, from: number, to: number }} props */
function ArrowLine({ arrow, lines, y, from, to }) {
  const title = `${offset(arrow.at)} ${arrowWords(arrow)}`;
  if (from === to)
    return html`<g class="arrow note ${arrow.tone}"><title>${title}</title>
      <circle cx=${from} cy=${y} r="4" />
      <${Label} lines=${lines} x=${from + BESIDE_DOT} y=${y + 4} below=${y + 17} anchor="start" /></g>`;
  const tip = to + (to > from ? -2 : 2);
  const head = to > from ? -7 : 7;
  return html`<g class="arrow ${arrow.tone}"><title>${title}</title>
    <line x1=${from} x2=${tip} y1=${y} y2=${y} />
    <path d=${`M${tip} ${y}l${head} -4v8z`} />
    <${Label} lines=${lines} x=${(from + to) / 2} y=${y - 4} below=${y + 13} anchor="middle" />
  </g>`;
}

/** @param {{ sequence: Sequence }} props */
function Drawing({ sequence: { lanes, arrows, bars } }) {
  const xs = new Map(lanes.map(({ id }, n) => [id, GUTTER + LANE / 2 + n * LANE]));
  const x = (/** @type {string} */ id) => xs.get(id) ?? GUTTER;
  const labels = arrows.map((arrow) => linesOf(arrowWords(arrow), roomOf(x(arrow.from), x(arrow.to))));
  const { rows, yOf, height } = scaleOf(
    arrows.map(({ at }) => at),
    labels.map(({ length }) => length),
  );
  const width = GUTTER + lanes.length * LANE;
  const full = HEAD + height;
  return html`<svg viewBox=${`0 0 ${width} ${full}`} width=${width} height=${full} role="img"
    aria-label=${t('sequence.label', { lanes: lanes.map(({ name }) => name).join(', '), count: arrows.length })}>
    ${lanes.map((lane) => html`<${LaneLine} key=${lane.id} lane=${lane} x=${x(lane.id)} height=${height} />`)}
    ${bars.map(({ lane, from, to, kind }) => {
      const [top, bottom] = [HEAD + yOf(from), HEAD + yOf(to)];
      return html`<g class="bar ${kind}"><title>${t(`sequence.${kind}`)} ${span(to - from)}</title>
        <rect x=${x(lane) - 5} y=${top} width="10" height=${Math.max(3, bottom - top)} rx="2" /></g>`;
    })}
    ${arrows.map((arrow, n) => {
      const y = HEAD + (rows[n] ?? 0);
      const isSame = n > 0 && offset(arrows[n - 1]?.at ?? 0) === offset(arrow.at);
      return html`<g key=${n}>
        ${!isSame && html`<text x=${GUTTER - 8} y=${y + 4} text-anchor="end" class="time">${offset(arrow.at)}</text>`}
        <${ArrowLine} arrow=${arrow} lines=${labels[n]} y=${y} from=${x(arrow.from)} to=${x(arrow.to)} /></g>`;
    })}
  </svg>`;
}

/** @param {{ detail: CallDetail }} props */
export function Diagram({ detail }) {
  const sequence = sequenceOf(detail);
  return html`<section class=${sequence.lanes.length > MAX_BESIDE ? 'sequence wide' : 'sequence'}>
    <h2>${t('sequence')}</h2>
    <p class="quiet">${t('sequence.scale')}</p>
    <p>      ${['deciding', 'ringing', 'talking'].map((kind) => html`<span class="key ${kind}">${t(`sequence.${kind}`)}</span>`)}</p>
    <div class="scroll" tabindex="0" role="region" aria-label=${t('sequence')}><${Drawing} sequence=${sequence} /></div>
  </section>`;
}
