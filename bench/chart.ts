import { median } from './results.ts';

const WIDTH = 640;
const LEFT = 150;
const RIGHT = 30;
const ROW = 40;
const TOP = 50;

/** Ratios as an SVG: for each name a bar to the median, and a line from the lowest to the highest. */
export function ratioChart(title: string, bars: { name: string; values: number[] }[]): string {
  const x = (ratio: number) => (LEFT + Math.min(ratio, 1.05) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const height = TOP + bars.length * ROW + 10;
  const rows = bars.flatMap(({ name, values }, index) => {
    const y = TOP + index * ROW;
    const [least, most] = [Math.min(...values), Math.max(...values)];
    return [
      `<text x="${LEFT - 10}" y="${y + 17}" text-anchor="end">${name}</text>`,
      `<rect x="${LEFT}" y="${y + 2}" width="${Number(x(median(values))) - LEFT}" height="22" fill="#4c78a8"/>`,
      `<path d="M${x(least)} ${y + 13}H${x(most)}M${x(least)} ${y + 8}v10M${x(most)} ${y + 8}v10" stroke="#222" fill="none"/>`,
      `<text x="${LEFT + 8}" y="${y + 17}" fill="#fff">${median(values).toFixed(3)}</text>`,
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="${LEFT}" y="24" font-size="15">${title}</text>`,
    `<path d="M${x(1)} ${TOP - 10}V${height - 10}" stroke="#999" stroke-dasharray="4 3"/>`,
    ...rows,
    '</svg>',
  ].join('\n');
}
