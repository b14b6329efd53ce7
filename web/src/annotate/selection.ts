/**
 * The images that are selected, by id, so that they stay selected however the grid is sorted; and the
 * active place, where the keyboard is, by index. A range goes from the anchor to the active place.
 */
export class Selection {
  readonly ids = new Set<number>();
  active = 0;
  private anchor = 0;
  /** What was selected before the range that is being drawn, and whether it selects or deselects. */
  private base: ReadonlySet<number> | null = null;
  private adds = true;

  toggle(index: number, id: number): void {
    this.begin(index, id);
    this.draw([id]);
    this.end();
  }

  /** A range begins at an image; if that was selected, the range deselects. */
  begin(index: number, id: number): void {
    this.anchor = this.active = index;
    this.adds = !this.ids.has(id);
    this.base = new Set(this.ids);
  }

  /** A range from where the last one began, which selects. */
  extend(): void {
    if (this.base) return;
    this.adds = true;
    this.base = new Set(this.ids);
  }

  /** First and last index of the range up to `index`. */
  range(index: number): [number, number] {
    this.active = index;
    return [Math.min(this.anchor, index), Math.max(this.anchor, index)];
  }

  /** The images of the range, in place of those drawn before. */
  draw(range: number[]): void {
    if (!this.base) return;
    this.ids.clear();
    for (const id of this.base) this.ids.add(id);
    for (const id of range) {
      if (this.adds) this.ids.add(id);
      else this.ids.delete(id);
    }
  }

  end(): void {
    this.base = null;
  }

  /** Moves the keyboard's place; the next range begins there. */
  go(index: number): void {
    this.end();
    this.anchor = this.active = index;
  }

  drop(ids: Iterable<number>): void {
    for (const id of ids) this.ids.delete(id);
  }
}
