import { isRight } from "./colours";
import type { MapData } from "./data";

/** "70,000 images", "1 row". */
export function counted(data: MapData, count: number): string {
  const item = data.images ? "image" : "row";
  return `${count.toLocaleString("en")} ${item}${count === 1 ? "" : "s"}`;
}

/** What is known of a point, without its name. */
export function facts(data: MapData, point: number): string {
  let text = `cluster ${data.labels[point]}, confidence ${data.confidences[point]!.toFixed(3)}`;
  if (data.truth)
    text += `, ${data.classes[data.truth[point]!]} (${isRight(data, point) ? "right" : "wrong"})`;
  return text;
}

/** How many of some points are in each cluster (or class), the most first. */
export function shares(of: Int32Array, points: Int32Array): { key: number; count: number }[] {
  const counts = new Map<number, number>();
  for (const point of points) counts.set(of[point]!, (counts.get(of[point]!) ?? 0) + 1);
  return [...counts].map(([key, count]) => ({ key, count })).sort((a, b) => b.count - a.count || a.key - b.key);
}

function csvField(text: string): string {
  return /[",\n\r]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** id, name, cluster, confidence and class of some points, as csv. */
export function csv(data: MapData, points: Int32Array): string {
  const lines = ["id,path,label,confidence" + (data.truth ? ",class" : "")];
  for (const point of points) {
    const line = [
      data.ids[point],
      csvField(data.names[point]!),
      data.labels[point],
      data.confidences[point]!.toFixed(6),
    ];
    if (data.truth) line.push(csvField(data.classes[data.truth[point]!]!));
    lines.push(line.join(","));
  }
  return lines.join("\n") + "\n";
}
