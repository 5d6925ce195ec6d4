/** One panel of a plot. All series have the same steps. */
export interface Series {
  /** With its unit. */
  readonly name: string;
  readonly values: readonly number[];
}

const WIDTH = 800;
const HEIGHT = 110;
const LEFT = 170;
const TOP = 30;

const label = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

function panel({ name, values }: Series, index: number): string {
  const max = Math.max(...values, Number.MIN_VALUE);
  const y0 = TOP + index * HEIGHT;
  const at = (value: number, i: number) => {
    const x = LEFT + (i * (WIDTH - LEFT - 20)) / Math.max(1, values.length - 1);
    return `${x.toFixed(1)},${(y0 + (HEIGHT - 30) * (1 - value / max)).toFixed(1)}`;
  };
  return [
    `<text x="8" y="${y0 + 14}">${name}</text>`,
    `<text x="8" y="${y0 + 32}" fill="#666">0 to ${label(max)}</text>`,
    `<line x1="${LEFT}" y1="${y0 + HEIGHT - 30}" x2="${WIDTH - 20}" y2="${y0 + HEIGHT - 30}" stroke="#ccc"/>`,
    `<polyline fill="none" stroke="#2563eb" stroke-width="1.5" points="${values.map(at).join(' ')}"/>`,
  ].join('\n');
}

/** An SVG with one panel per series, scaled from 0 to its maximum. */
export function plot(title: string, all: readonly Series[]): string {
  const height = TOP + all.length * HEIGHT;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="13">`,
    `<title>${title}</title>`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="8" y="18" font-weight="bold">${title}</text>`,
    ...all.map(panel),
    '</svg>\n',
  ].join('\n');
}
