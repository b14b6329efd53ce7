// The points of the map as the report holds them; src/report/map_points.h describes the fields.

export interface Tiles {
  folder: string;
  width: number;
  height: number;
  columns: number;
  each: number;
}

interface Payload {
  images: boolean;
  total: number;
  clusters: number;
  matches: number[];
  positions: string;
  labels: string;
  confidences: string;
  names: string;
  ids?: string;
  truth?: string;
  classes?: string[];
  class_colours?: number[];
  tiles?: Tiles;
}

export interface MapData {
  count: number;
  total: number;
  images: boolean;
  clusters: number;
  /** The class of each cluster, -1 for none. */
  matches: number[];
  /** x and y of each point by turns, in -1..1: the longer side of all points fills it. */
  positions: Float32Array;
  /** Half of what the points span in x and y; the larger is 1. */
  extent: [number, number];
  labels: Int32Array;
  confidences: Float32Array;
  names: string[];
  /** The row of the run that each point is. */
  ids: Int32Array;
  truth: Int32Array | null;
  classes: string[];
  classColours: number[];
  tiles: Tiles | null;
}

function bytesOf(text: string): ArrayBuffer {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; ++i) bytes[i] = binary.charCodeAt(i);
  return bytes.buffer;
}

/** Undoes front_coded of map_points.cpp. */
export function decodeNames(text: string): string[] {
  let last = "";
  return text.split("\n").map((line) => {
    last = last.slice(0, line.charCodeAt(0) - 48) + line.slice(1);
    return last;
  });
}

/** Moves and scales positions so that their box lies around 0 and its longer side spans -1..1. */
export function normalise(positions: Float32Array): Pick<MapData, "positions" | "extent"> {
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  for (let i = 0; i < positions.length; ++i) {
    low[i & 1] = Math.min(low[i & 1]!, positions[i]!);
    high[i & 1] = Math.max(high[i & 1]!, positions[i]!);
  }
  const middle = [(low[0]! + high[0]!) / 2, (low[1]! + high[1]!) / 2];
  const half = Math.max(high[0]! - low[0]!, high[1]! - low[1]!) / 2 || 1;
  return {
    positions: positions.map((value, i) => (value - middle[i & 1]!) / half),
    extent: [(high[0]! - low[0]!) / 2 / half, (high[1]! - low[1]!) / 2 / half],
  };
}

export function decode(text: string): MapData {
  const payload = JSON.parse(text) as Payload;
  const labels = new Int32Array(bytesOf(payload.labels));
  return {
    count: labels.length,
    total: payload.total,
    images: payload.images,
    clusters: payload.clusters,
    matches: payload.matches,
    ...normalise(new Float32Array(bytesOf(payload.positions))),
    labels,
    confidences: new Float32Array(bytesOf(payload.confidences)),
    names: decodeNames(payload.names),
    ids: payload.ids
      ? new Int32Array(bytesOf(payload.ids))
      : Int32Array.from({ length: labels.length }, (_, i) => i),
    truth: payload.truth ? new Int32Array(bytesOf(payload.truth)) : null,
    classes: payload.classes ?? [],
    classColours: payload.class_colours ?? [],
    tiles: payload.tiles ?? null,
  };
}
