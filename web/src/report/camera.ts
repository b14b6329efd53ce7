export interface Place {
  x: number;
  y: number;
}

/** What part of the map is seen: map places in -1..1 with y upwards, screen places in CSS pixels. */
export class Camera {
  private width = 1;
  private height = 1;
  private x = 0;
  private y = 0;
  private zoom = 1;

  private static readonly kFilled = 0.94; // of the screen that the whole map takes
  private static readonly kMostZoom = 400;

  /** `extent` is half of what the map spans in x and y. */
  constructor(private readonly extent: [number, number]) {}

  resize(width: number, height: number): void {
    this.width = Math.max(1, width);
    this.height = Math.max(1, height);
  }

  /** Screen pixels for a step of 1 on the map. */
  get scale(): number {
    const [x, y] = this.extent;
    return (this.zoom * Camera.kFilled * Math.min(this.width / Math.max(x, 0.01), this.height / Math.max(y, 0.01))) / 2;
  }
  get magnification(): number {
    return this.zoom;
  }

  toScreen(x: number, y: number): Place {
    return { x: this.width / 2 + (x - this.x) * this.scale, y: this.height / 2 - (y - this.y) * this.scale };
  }
  toMap(place: Place): Place {
    return {
      x: this.x + (place.x - this.width / 2) / this.scale,
      y: this.y - (place.y - this.height / 2) / this.scale,
    };
  }

  whole(): void {
    this.x = this.y = 0;
    this.zoom = 1;
  }
  pan(dx: number, dy: number): void {
    this.x -= dx / this.scale;
    this.y += dy / this.scale;
    this.keepNear();
  }
  /** Zooms with the map place under `at` held where it is. */
  zoomBy(factor: number, at: Place = { x: this.width / 2, y: this.height / 2 }): void {
    const held = this.toMap(at);
    this.zoom = Math.min(Camera.kMostZoom, Math.max(0.5, this.zoom * factor));
    const moved = this.toMap(at);
    this.x += held.x - moved.x;
    this.y += held.y - moved.y;
    this.keepNear();
  }

  /** Map to clip space as [scale x, scale y, move x, move y], for the shader. */
  transform(): [number, number, number, number] {
    const sx = (2 * this.scale) / this.width;
    const sy = (2 * this.scale) / this.height;
    return [sx, sy, -this.x * sx, -this.y * sy];
  }

  private keepNear(): void {
    this.x = Math.min(1, Math.max(-1, this.x));
    this.y = Math.min(1, Math.max(-1, this.y));
  }
}
