import { Camera, type Place } from "./camera";
import type { MapData } from "./data";
import { Grid } from "./grid";
import { type Renderer, createRenderer } from "./renderer";

/** What happens on the map. Points are numbers of MapData, -1 for none. */
export interface StageEvents {
  /** The point under the pointer or the keyboard's cursor, and where it is seen. */
  onPoint(point: number, at: Place, byKeyboard: boolean): void;
  onPin(point: number): void;
  /** Points that a line was drawn around. */
  onLasso(points: Int32Array): void;
  onEscape(): void;
}

const kReach = 12; // CSS pixels from the pointer to a point it finds
const kKeyboardReach = 60;
const kStep = 12; // of the keyboard's cursor
const kClick = 4; // a press that moves less is a click

/** The map itself: drawing, pointer and keyboard. */
export class Stage {
  private readonly camera: Camera;
  private readonly grid: Grid;
  private readonly renderer: Renderer;
  private readonly lassoLine: SVGPathElement;
  private readonly ring: SVGCircleElement;
  private readonly cross: SVGPathElement;
  private frame = 0;
  private point = -1;
  private cursor: Place | null = null;
  private press: { last: Place; moved: number; lasso: boolean } | null = null;
  private polygon: Place[] = [];
  private colours: Uint8Array = new Uint8Array();
  private order: Uint32Array = new Uint32Array();
  lassoMode = false;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    overlay: SVGSVGElement,
    private readonly data: MapData,
    private readonly events: StageEvents,
  ) {
    this.renderer = createRenderer(canvas, data.positions);
    this.camera = new Camera(data.extent);
    this.grid = new Grid(data.positions);
    [this.lassoLine, this.cross] = overlay.querySelectorAll("path") as unknown as [SVGPathElement, SVGPathElement];
    this.ring = overlay.querySelector("circle")!;
    new ResizeObserver(() => this.resize()).observe(canvas);
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", () => this.cancelPress());
    canvas.addEventListener("pointerleave", () => this.show(-1, false));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => this.setCursor(null));
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => {
      this.renderer.build();
      this.paint(this.colours, this.order);
    });
    this.resize();
  }

  paint(colours: Uint8Array, order: Uint32Array): void {
    this.colours = colours;
    this.order = order;
    this.renderer.paint(colours, order);
    this.redraw();
  }

  whole(): void {
    this.camera.whole();
    this.redraw();
  }
  zoomBy(factor: number, at?: Place): void {
    this.camera.zoomBy(factor, at);
    this.redraw();
  }
  /** The points that are seen now. */
  inView(): Int32Array {
    const low = this.camera.toMap({ x: 0, y: this.canvas.clientHeight });
    return this.grid.inBox(low, this.camera.toMap({ x: this.canvas.clientWidth, y: 0 }));
  }

  private resize(): void {
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.max(1, Math.round(this.canvas.clientWidth * ratio));
    this.canvas.height = Math.max(1, Math.round(this.canvas.clientHeight * ratio));
    this.camera.resize(this.canvas.clientWidth, this.canvas.clientHeight);
    this.redraw();
  }

  /** Pixels of the screen that a dot is wide: few points get larger ones, zooming in enlarges them. */
  private dotSize(): number {
    const room = Math.sqrt((this.canvas.clientWidth * this.canvas.clientHeight) / this.data.count);
    const size = Math.min(9, Math.max(2.2, 0.55 * room)) * Math.pow(this.camera.magnification, 0.35);
    return Math.min(18, Math.max(1.5, size));
  }

  private redraw(): void {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.renderer.draw(this.camera, this.dotSize() * (window.devicePixelRatio || 1));
      this.canvas.dataset.drawn = String(this.data.count);
      this.placeMarks();
    });
  }

  private placeMarks(): void {
    this.ring.style.display = this.point < 0 ? "none" : "";
    if (this.point >= 0) {
      const at = this.placeOf(this.point);
      this.ring.setAttribute("cx", String(at.x));
      this.ring.setAttribute("cy", String(at.y));
      this.ring.setAttribute("r", String(this.dotSize() / 2 + 3));
    }
    this.cross.setAttribute(
      "d",
      this.cursor ? `M${this.cursor.x - 8} ${this.cursor.y}h16M${this.cursor.x} ${this.cursor.y - 8}v16` : "",
    );
    const line = this.polygon.map((place) => {
      const at = this.camera.toScreen(place.x, place.y);
      return `${at.x} ${at.y}`;
    });
    this.lassoLine.setAttribute("d", line.length > 1 ? `M${line.join("L")}Z` : "");
  }

  private placeOf(point: number): Place {
    return this.camera.toScreen(this.data.positions[2 * point]!, this.data.positions[2 * point + 1]!);
  }

  private find(at: Place, reach: number): number {
    return this.grid.nearest(this.camera.toMap(at), reach / this.camera.scale);
  }

  private show(point: number, byKeyboard: boolean): void {
    if (point === this.point && !byKeyboard) return;
    this.point = point;
    this.events.onPoint(point, point < 0 ? { x: 0, y: 0 } : this.placeOf(point), byKeyboard);
    this.redraw();
  }

  private setCursor(at: Place | null): void {
    this.cursor = at && {
      x: Math.min(this.canvas.clientWidth, Math.max(0, at.x)),
      y: Math.min(this.canvas.clientHeight, Math.max(0, at.y)),
    };
    if (this.cursor) this.show(this.find(this.cursor, kKeyboardReach), true);
    else if (this.point >= 0) this.show(-1, false);
    this.redraw();
  }

  private down(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    const last = placeIn(event);
    this.press = { last, moved: 0, lasso: this.lassoMode || event.shiftKey };
    this.cursor = null;
    this.polygon = this.press.lasso ? [this.camera.toMap(last)] : [];
  }

  private move(event: PointerEvent): void {
    const at = placeIn(event);
    if (!this.press) {
      this.cursor = null;
      this.show(this.find(at, kReach), false);
      return;
    }
    const [dx, dy] = [at.x - this.press.last.x, at.y - this.press.last.y];
    this.press.moved += Math.abs(dx) + Math.abs(dy);
    this.press.last = at;
    if (this.press.lasso) {
      this.polygon.push(this.camera.toMap(at));
    } else if (this.press.moved > kClick) {
      this.camera.pan(dx, dy);
      this.show(-1, false);
    }
    this.redraw();
  }

  private up(event: PointerEvent): void {
    const press = this.press;
    this.press = null;
    if (!press) return;
    if (press.moved <= kClick) {
      const point = this.find(placeIn(event), kReach);
      if (point >= 0) this.events.onPin(point);
    } else if (press.lasso) {
      this.events.onLasso(this.grid.inPolygon(this.polygon));
    } else {
      this.show(this.find(placeIn(event), kReach), false);
    }
    this.polygon = [];
    this.redraw();
  }

  private cancelPress(): void {
    this.press = null;
    this.polygon = [];
    this.redraw();
  }

  private wheel(event: WheelEvent): void {
    // The wheel scrolls the page unless the map was clicked on; trackpads pinch with ctrl.
    if (!event.ctrlKey && document.activeElement !== this.canvas) return;
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1;
    this.zoomBy(Math.exp((-event.deltaY * lines * (event.ctrlKey ? 4 : 1)) / 500), placeIn(event));
    this.show(this.find(placeIn(event), kReach), false);
  }

  private key(event: KeyboardEvent): void {
    const at = this.cursor ?? { x: this.canvas.clientWidth / 2, y: this.canvas.clientHeight / 2 };
    const step = event.shiftKey ? 5 * kStep : kStep;
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [-step, 0],
      ArrowRight: [step, 0],
      ArrowUp: [0, -step],
      ArrowDown: [0, step],
    };
    const move = moves[event.key];
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (move) this.moveCursor(at, move);
    else if (event.key === "+" || event.key === "=") this.zoomBy(1.5, at);
    else if (event.key === "-") this.zoomBy(1 / 1.5, at);
    else if (event.key === "0") this.whole();
    else if (event.key === "Enter" || event.key === " ") this.point >= 0 && this.events.onPin(this.point);
    else if (event.key === "Escape") this.events.onEscape();
    else return;
    event.preventDefault();
    if (this.cursor) this.setCursor(this.cursor);
  }

  /** Moves the cursor; at an edge the map moves on under it. */
  private moveCursor(at: Place, [dx, dy]: [number, number]): void {
    const next = { x: at.x + dx, y: at.y + dy };
    const over = (value: number, size: number) => (value < 0 ? value : value > size ? value - size : 0);
    this.camera.pan(-over(next.x, this.canvas.clientWidth), -over(next.y, this.canvas.clientHeight));
    this.setCursor(next);
  }
}

function placeIn(event: MouseEvent): Place {
  return { x: event.offsetX, y: event.offsetY };
}
