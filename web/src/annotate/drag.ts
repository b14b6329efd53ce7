import type { RefObject } from "preact";
import { useRef } from "preact/hooks";
import { type GridLayout, tileAt } from "./grid_layout";
import type { ImagePages } from "./image_pages";
import type { Selection } from "./selection";

const kEdge = 40; // Dragging so near to an edge scrolls, in pixels,
const kScroll = 12; // by so many a frame.

interface Dragged {
  layout: GridLayout;
  total: number;
  selection: Selection;
  pages: ImagePages;
  /** Draws the range up to `index`; `ended` when it is the last. */
  draw: (index: number, ended: boolean) => Promise<void>;
}

/** Click: one image. Shift-click: up to there. Drag: from where it began to the pointer, scrolling at the edges. */
export function useDrag(box: RefObject<HTMLDivElement>, grid: Dragged) {
  const pointer = useRef<{ x: number; y: number } | null>(null);
  const latest = useRef(grid);
  latest.current = grid;
  const { selection, pages, draw } = grid;

  const place = ({ clientX, clientY }: { clientX: number; clientY: number }) => {
    const element = box.current!;
    const edge = element.getBoundingClientRect();
    const now = latest.current;
    return tileAt(now.layout, clientX - edge.left, clientY - edge.top + element.scrollTop, now.total);
  };

  const scrollAtEdges = () => {
    const element = box.current;
    if (!pointer.current || !element) return;
    const { x, y } = pointer.current;
    const edge = element.getBoundingClientRect();
    const step = y < edge.top + kEdge ? -kScroll : y > edge.bottom - kEdge ? kScroll : 0;
    if (step) {
      element.scrollTop += step;
      void latest.current.draw(place({ clientX: x, clientY: y }), false);
    }
    requestAnimationFrame(scrollAtEdges);
  };

  const handlers = {
    onPointerDown: (event: PointerEvent) => {
      // Beside the tiles there is nothing to select; the scroll bar is not ours either.
      if (event.button !== 0 || !(event.target instanceof Element) || !event.target.closest(".tile")) return;
      const index = place(event);
      const image = pages.at(index);
      if (!image) return;
      if (event.shiftKey) selection.extend();
      else selection.begin(index, image.id);
      pointer.current = { x: event.clientX, y: event.clientY };
      box.current!.setPointerCapture(event.pointerId);
      void draw(index, false);
      requestAnimationFrame(scrollAtEdges);
    },
    onPointerMove: (event: PointerEvent) => {
      if (!pointer.current) return;
      pointer.current = { x: event.clientX, y: event.clientY };
      const index = place(event);
      if (index !== selection.active) void draw(index, false);
    },
    onPointerUp: () => {
      if (!pointer.current) return;
      pointer.current = null;
      void draw(selection.active, true);
    },
    onPointerCancel: () => {
      pointer.current = null;
      selection.end();
    },
  };
  return { place, handlers };
}
