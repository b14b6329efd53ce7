import type { MapData } from "./data";

export type ColourBy = "cluster" | "class" | "mistakes" | "confidence";

/** One entry of the legend, and the points that it stands for. */
export interface Group {
  name: string;
  colour: string;
  has: (point: number) => boolean;
}

type Rgb = [number, number, number];

/** The page's colours (src/report/page.css), which follow its light and dark. */
export class Palette {
  readonly clusters: string[] = [];
  readonly accent: string;
  readonly other: string;
  readonly quiet: string;

  constructor(style: CSSStyleDeclaration) {
    const of = (name: string) => style.getPropertyValue(name).trim();
    for (let k = 0; of(`--c${k}`); ++k) this.clusters.push(of(`--c${k}`));
    this.accent = of("--accent");
    this.other = of("--other");
    this.quiet = of("--quiet");
  }
  cluster(k: number): string {
    return this.clusters[k % this.clusters.length]!;
  }
}

function rgb(hex: string): Rgb {
  const value = parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** How a map can be coloured. */
export function choices(data: MapData): { by: ColourBy; name: string }[] {
  const all: { by: ColourBy; name: string }[] = [{ by: "cluster", name: "Cluster" }];
  if (data.truth) all.push({ by: "class", name: "Ground truth" }, { by: "mistakes", name: "Mistakes" });
  all.push({ by: "confidence", name: "Confidence" });
  return all;
}

/** Whether a point's class is the one that is matched to its cluster. */
export function isRight(data: MapData, point: number): boolean {
  return data.matches[data.labels[point]!] === data.truth![point];
}

export function groups(data: MapData, by: ColourBy, palette: Palette): Group[] {
  switch (by) {
    case "cluster":
      return Array.from({ length: data.clusters }, (_, k) => ({
        name: `Cluster ${k}`,
        colour: palette.cluster(k),
        has: (i) => data.labels[i] === k,
      }));
    case "class":
      return data.classes.map((name, c) => ({
        name,
        colour: palette.cluster(data.classColours[c]!),
        has: (i) => data.truth![i] === c,
      }));
    case "mistakes":
      return [
        { name: "Right", colour: palette.quiet, has: (i) => isRight(data, i) },
        { name: "Wrong", colour: palette.other, has: (i) => !isRight(data, i) },
      ];
    case "confidence": {
      const between = (low: number, high: number) => (i: number) =>
        data.confidences[i]! >= low && (data.confidences[i]! < high || high === 1);
      return [0, 0.2, 0.4, 0.6, 0.8].map((low) => ({
        name: `${low.toFixed(1)} to ${(low + 0.2).toFixed(1)}`,
        colour: hex(mix(palette, low + 0.1)),
        has: between(low, low === 0.8 ? 1 : low + 0.2),
      }));
    }
  }
}

/** From the colour of what is wrong, at 0, to that of the page's links, at 1. */
function mix(palette: Palette, share: number): Rgb {
  const [low, high] = [rgb(palette.other), rgb(palette.accent)];
  return low.map((value, c) => Math.round(value + (high[c]! - value) * share)) as Rgb;
}

function hex(colour: Rgb): string {
  return "#" + colour.map((value) => value.toString(16).padStart(2, "0")).join("");
}

/** Red, green, blue and opacity of each point. Where some are chosen (1 in `chosen`) the others are faint. */
export function pointColours(
  data: MapData,
  by: ColourBy,
  palette: Palette,
  chosen: Uint8Array | null,
): Uint8Array {
  const clusters = palette.clusters.map(rgb);
  const right = rgb(palette.quiet);
  const wrong = rgb(palette.other);
  const colourOf = (i: number): Rgb => {
    switch (by) {
      case "cluster":
        return clusters[data.labels[i]! % clusters.length]!;
      case "class":
        return clusters[data.classColours[data.truth![i]!]! % clusters.length]!;
      case "mistakes":
        return isRight(data, i) ? right : wrong;
      case "confidence":
        return mix(palette, data.confidences[i]!);
    }
  };
  const colours = new Uint8Array(4 * data.count);
  for (let i = 0; i < data.count; ++i) {
    colours.set(colourOf(i), 4 * i);
    colours[4 * i + 3] = !chosen || chosen[i] ? 225 : 28;
  }
  return colours;
}
