/** Where the tiles of a virtual grid lie. All lengths in CSS pixels. */
export interface GridLayout {
  columns: number;
  /** From a tile's left edge to the next one's, and from its top edge. */
  stepX: number;
  stepY: number;
  height: number;
}

export const kGap = 8;
const kCaption = 18;

export function gridLayout(width: number, tile: number, count: number): GridLayout {
  const columns = Math.max(1, Math.floor((width - kGap) / (tile + kGap)));
  const stepX = (width - kGap) / columns;
  const stepY = tile + kCaption + kGap;
  return { columns, stepX, stepY, height: Math.ceil(count / columns) * stepY + kGap };
}

/** First and last index of the tiles between `top` and `bottom`, with a margin of some rows. */
export function seen(layout: GridLayout, top: number, bottom: number, count: number): [number, number] {
  const rows = (length: number) => Math.floor(length / layout.stepY);
  const first = Math.max(0, rows(top) - 2) * layout.columns;
  const last = Math.min(count, (rows(bottom) + 3) * layout.columns) - 1;
  return [Math.min(first, Math.max(0, last)), last];
}

/** The tile at or nearest to a point of the grid. */
export function tileAt(layout: GridLayout, x: number, y: number, count: number): number {
  const column = Math.min(layout.columns - 1, Math.max(0, Math.floor((x - kGap / 2) / layout.stepX)));
  const row = Math.max(0, Math.floor((y - kGap / 2) / layout.stepY));
  return Math.min(count - 1, row * layout.columns + column);
}
