import type { MapData } from "./data";

export type ColourBy = "cluster" | "class" | "mistakes" | "confidence";

/** An entry of the legend. */
export interface Group {
  name: string;
  colour: string;
  count: number;
}

/** The entries of the legend, and the one that each point belongs to. */
export interface Grouping {
  groups: Group[];
  of: (point: number) => number;
}

type Rgb = [number, number, number];

/** The page's colours (web/src/shared/colours.css), which follow its light and dark. */
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

const kConfidenceSteps = 5;

function namedColours(data: MapData, by: ColourBy, palette: Palette): [name: string, colour: string][] {
  switch (by) {
    case "cluster":
      return Array.from({ length: data.clusters }, (_, k) => [`Cluster ${k}`, palette.cluster(k)]);
    case "class":
      return data.classes.map((name, c) => [name, palette.cluster(data.classColours[c]!)]);
    case "mistakes":
      return [
        ["Right", palette.quiet],
        ["Wrong", palette.other],
      ];
    case "confidence":
      return Array.from({ length: kConfidenceSteps }, (_, step) => {
        const [low, high] = [step / kConfidenceSteps, (step + 1) / kConfidenceSteps];
        return [`${low.toFixed(1)} to ${high.toFixed(1)}`, hex(mix(palette, (low + high) / 2))];
      });
  }
}

export function grouping(data: MapData, by: ColourBy, palette: Palette): Grouping {
  const of = {
    cluster: (i: number) => data.labels[i]!,
    class: (i: number) => data.truth![i]!,
    mistakes: (i: number) => (isRight(data, i) ? 0 : 1),
    confidence: (i: number) => Math.min(kConfidenceSteps - 1, Math.floor(data.confidences[i]! * kConfidenceSteps)),
  }[by];
  const groups = namedColours(data, by, palette).map(([name, colour]) => ({ name, colour, count: 0 }));
  for (let i = 0; i < data.count; ++i) ++groups[of(i)]!.count;
  return { groups, of };
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
