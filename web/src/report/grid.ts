import type { Place } from "./camera";

/** Finds points by place: the points of each cell of a square grid over -1..1. */
export class Grid {
  private readonly side: number;
  /** Where each cell's points begin in `order`; one more entry than cells. */
  private readonly begins: Int32Array;
  private readonly order: Int32Array;

  constructor(private readonly positions: Float32Array) {
    const count = positions.length / 2;
    this.side = Math.max(1, Math.min(1024, Math.ceil(Math.sqrt(count / 2))));
    this.begins = new Int32Array(this.side * this.side + 1);
    this.order = new Int32Array(count);
    const cells = new Int32Array(count);
    for (let i = 0; i < count; ++i) {
      const cell = this.line(positions[2 * i + 1]!) * this.side + this.line(positions[2 * i]!);
      cells[i] = cell;
      ++this.begins[cell + 1]!;
    }
    for (let c = 0; c < this.side * this.side; ++c) this.begins[c + 1]! += this.begins[c]!;
    const next = this.begins.slice();
    for (let i = 0; i < count; ++i) this.order[next[cells[i]!]!++] = i;
  }

  private line(value: number): number {
    return Math.min(this.side - 1, Math.max(0, Math.floor(((value + 1) / 2) * this.side)));
  }

  private *within(left: number, bottom: number, right: number, top: number): Iterable<number> {
    for (let row = this.line(bottom); row <= this.line(top); ++row) {
      const first = row * this.side + this.line(left);
      const last = row * this.side + this.line(right);
      for (let o = this.begins[first]!; o < this.begins[last + 1]!; ++o) yield this.order[o]!;
    }
  }

  /** The point nearest to a place, at most `radius` away; -1 where there is none. */
  nearest(at: Place, radius: number): number {
    let found = -1;
    let least = radius * radius;
    for (const i of this.within(at.x - radius, at.y - radius, at.x + radius, at.y + radius)) {
      const dx = this.positions[2 * i]! - at.x;
      const dy = this.positions[2 * i + 1]! - at.y;
      const distance = dx * dx + dy * dy;
      if (distance < least || (distance === least && found < 0)) {
        least = distance;
        found = i;
      }
    }
    return found;
  }

  /** The points in a box, ascending. */
  inBox(low: Place, high: Place): Int32Array {
    const found: number[] = [];
    for (const i of this.within(low.x, low.y, high.x, high.y)) {
      const x = this.positions[2 * i]!;
      const y = this.positions[2 * i + 1]!;
      if (x >= low.x && x <= high.x && y >= low.y && y <= high.y) found.push(i);
    }
    return Int32Array.from(found).sort();
  }

  /** The points within a closed line, ascending: those from which a ray crosses it an odd number of times. */
  inPolygon(polygon: Place[]): Int32Array {
    if (polygon.length < 3) return new Int32Array();
    const xs = polygon.map((p) => p.x);
    const ys = polygon.map((p) => p.y);
    const low = { x: Math.min(...xs), y: Math.min(...ys) };
    const high = { x: Math.max(...xs), y: Math.max(...ys) };
    return this.inBox(low, high).filter((i) => contains(polygon, this.positions[2 * i]!, this.positions[2 * i + 1]!));
  }
}

function contains(polygon: Place[], x: number, y: number): boolean {
  let inside = false;
  let before = polygon[polygon.length - 1]!;
  for (const corner of polygon) {
    const crosses = corner.y > y !== before.y > y;
    if (crosses && x < ((before.x - corner.x) * (y - corner.y)) / (before.y - corner.y) + corner.x) inside = !inside;
    before = corner;
  }
  return inside;
}
