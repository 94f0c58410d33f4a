/** The little SVG that the plots need; readable on light and on dark pages. */

/** Plots are as wide as a phone's page: there they are shown at their size, and on larger screens as well. */
export const phoneWidth = 380;

export interface Plot {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly body: readonly string[];
}

export function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** One decimal is finer than any screen, and keeps the files the same from run to run. */
const at = (value: number): string => String(Math.round(value * 10) / 10);

interface TextOptions {
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly className?: string;
}

export function text(
  x: number,
  y: number,
  content: string,
  { anchor = 'start', className = '' }: TextOptions = {},
): string {
  const css = className === '' ? '' : ` class="${className}"`;
  return `<text x="${at(x)}" y="${at(y)}" text-anchor="${anchor}"${css}>${escape(content)}</text>`;
}

export function bar(x: number, y: number, width: number, height: number, className: string): string {
  return `<rect x="${at(x)}" y="${at(y)}" width="${at(width)}" height="${at(height)}" class="${className}"/>`;
}

export function line(x1: number, y1: number, x2: number, y2: number, className: string): string {
  return `<line x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}" class="${className}"/>`;
}

export function polyline(points: readonly (readonly [number, number])[], className: string): string {
  return `<polyline points="${points.map(([x, y]) => `${at(x)},${at(y)}`).join(' ')}" class="${className}"/>`;
}

/** Colours by server, told apart by people who see few colours too, on white and on near black. */
const style = `
  text { font: 14px system-ui, sans-serif; fill: #1f2328; }
  .small { font-size: 13px; fill: #59636e; }
  .title { font-size: 16px; font-weight: 600; }
  .axis { stroke: #d1d9e0; }
  .ws-line { stroke: #59636e; stroke-dasharray: 3 3; }
  .budget { stroke: #1f2328; stroke-width: 2; }
  .back { fill: #ffffff; }
  polyline { fill: none; }
  [class^='line-'] { stroke-width: 2; }
  .memory { stroke-dasharray: 5 4; }
  .ws { fill: #8c959f; } .troupe-handlers { fill: #0969da; } .troupe-machine { fill: #54aeff; } .socketio { fill: #d4a72c; }
  .line-ws { stroke: #8c959f; } .line-troupe-handlers { stroke: #0969da; } .line-troupe-machine { stroke: #54aeff; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .small { fill: #9198a1; }
    .axis { stroke: #3d444d; }
    .ws-line { stroke: #9198a1; }
    .budget { stroke: #f0f6fc; }
    .back { fill: #0d1117; }
    .troupe-handlers { fill: #4493f8; } .troupe-machine { fill: #a5d0ff; }
    .line-troupe-handlers { stroke: #4493f8; } .line-troupe-machine { stroke: #a5d0ff; }
  }`;

export function render({ width, height, title, body }: Plot): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escape(title)}</title>`,
    `<style>${style}\n</style>`,
    bar(0, 0, width, height, 'back'),
    ...body,
    '</svg>\n',
  ].join('\n');
}
