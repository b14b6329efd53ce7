import type { MapData, Tiles } from "./data";

/** The file of a point's picture, and where it lies there in cells. */
export function cellOf(tiles: Tiles, point: number): { file: string; column: number; row: number } {
  const cell = point % tiles.each;
  const file = String(Math.floor(point / tiles.each)).padStart(5, "0");
  return {
    file: `${tiles.folder}/${file}.png`,
    column: cell % tiles.columns,
    row: Math.floor(cell / tiles.columns),
  };
}

/** One image, cut out of the file that holds it, `side` CSS pixels on its longer side. */
export function Picture({ data, point, side }: { data: MapData; point: number; side: number }) {
  const { tiles } = data;
  if (!tiles) return null;
  const { file, column, row } = cellOf(tiles, point);
  const scale = side / Math.max(tiles.width, tiles.height);
  const [width, height] = [tiles.width * scale, tiles.height * scale];
  return (
    <span class={scale > 1 ? "cut pixelated" : "cut"} style={{ width: `${width}px`, height: `${height}px` }}>
      {/* Another file is another element: the last one's picture never stands under a new name. */}
      <img
        key={file}
        decoding="sync"
        src={file}
        alt={data.names[point]}
        loading="lazy"
        draggable={false}
        style={{
          width: `${width * tiles.columns}px`,
          left: `${-column * width}px`,
          top: `${-row * height}px`,
        }}
      />
    </span>
  );
}
