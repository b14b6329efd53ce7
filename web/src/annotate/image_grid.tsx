import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ClusterImage } from "./api";
import { useDrag } from "./drag";
import { type GridLayout, gridLayout, kGap, seen } from "./grid_layout";
import type { ImagePages } from "./image_pages";
import { percent, Picture } from "./parts";
import type { Selection } from "./selection";

interface GridProps {
  label: string;
  pages: ImagePages;
  selection: Selection;
  tile: number;
  redraw: () => void;
  onZoom: (image: ClusterImage) => void;
}

/** All images of a cluster, of which only those in sight exist in the page. */
export function ImageGrid({ label, pages, selection, tile, redraw, onZoom }: GridProps) {
  const box = useRef<HTMLDivElement>(null);
  const view = useView(box);
  const total = pages.total ?? 0;
  const layout = gridLayout(view.width, tile, total);
  const [first, last] = seen(layout, view.top, view.top + view.height, total);

  useEffect(() => {
    if (view.height > 0) pages.want(first, Math.max(first, last)).catch(() => undefined);
  });

  useEffect(() => {
    // Where nothing else has the keyboard, it is for the images: a button that a move leaves disabled loses it.
    if (document.activeElement === document.body) box.current!.focus({ preventScroll: true });
  }, [total, selection.ids.size]);

  const reveal = (index: number) => {
    const top = Math.floor(index / layout.columns) * layout.stepY;
    const element = box.current!;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + layout.stepY + kGap > element.scrollTop + element.clientHeight) {
      element.scrollTop = top + layout.stepY + kGap - element.clientHeight;
    }
  };

  const draw = async (index: number, ended: boolean) => {
    const [from, to] = selection.range(index);
    const known: number[] = [];
    for (let place = from; place <= to; ++place) {
      const image = pages.at(place);
      if (image) known.push(image.id);
    }
    selection.draw(known);
    redraw();
    if (!ended) return;
    if (known.length <= to - from) selection.draw(await pages.ids(from, to).catch(() => known));
    selection.end();
    redraw();
  };

  const drag = useDrag(box, { layout, total, selection, pages, draw });

  const pressed = (event: KeyboardEvent) => {
    const target = goal(event.key, selection.active, layout, view.height, total);
    if (target !== null) {
      if (event.shiftKey) {
        selection.extend();
        void draw(target, false);
      } else {
        selection.go(target);
        redraw();
      }
      reveal(target);
    } else if (event.key === " ") {
      const image = pages.at(selection.active);
      if (image) selection.toggle(selection.active, image.id);
      redraw();
    } else if (event.key === "a" && (event.ctrlKey || event.metaKey)) {
      selection.go(0);
      selection.extend();
      void draw(total - 1, true);
    } else if (event.key === "Enter") {
      const image = pages.at(selection.active);
      if (image) onZoom(image);
    } else {
      return;
    }
    event.preventDefault();
  };

  const tiles = [];
  for (let index = first; index <= last; ++index) {
    tiles.push(
      <Tile
        key={pages.at(index)?.id ?? `place ${index}`}
        index={index}
        image={pages.at(index)}
        layout={layout}
        tile={tile}
        total={total}
        selected={selection.ids.has(pages.at(index)?.id ?? -1)}
        active={index === selection.active}
      />,
    );
  }
  return (
    <div
      ref={box}
      class="grid"
      role="listbox"
      tabIndex={0}
      aria-label={label}
      aria-multiselectable="true"
      aria-activedescendant={total > 0 ? `tile-${selection.active}` : undefined}
      onKeyDown={pressed}
      onKeyUp={(event) => event.key === "Shift" && void draw(selection.active, true)}
      onDblClick={(event) => {
        const image = pages.at(drag.place(event));
        if (image) onZoom(image);
      }}
      {...drag.handlers}
    >
      <div class="all" role="presentation" style={{ height: layout.height }}>
        {tiles}
      </div>
    </div>
  );
}

interface TileProps {
  index: number;
  image: ClusterImage | undefined;
  layout: GridLayout;
  tile: number;
  total: number;
  selected: boolean;
  active: boolean;
}

function Tile({ index, image, layout, tile, total, selected, active }: TileProps) {
  const place = {
    left: kGap + (index % layout.columns) * layout.stepX,
    top: kGap + Math.floor(index / layout.columns) * layout.stepY,
    width: tile,
  };
  const words = image
    ? `image ${image.id}, ${image.path}, ${percent(image.confidence)}`
    : `image at place ${index + 1}`;
  return (
    <div
      id={`tile-${index}`}
      class={`tile ${active ? "active" : ""}`}
      role="option"
      aria-selected={selected}
      aria-label={words}
      aria-posinset={index + 1}
      aria-setsize={total}
      title={image && `#${image.id}  ${image.path}`}
      data-index={index}
      style={place}
    >
      <div class="frame" style={{ height: tile }}>
        {image && <Picture id={image.id} name="" kind="" />}
      </div>
      <small>
        {image && percent(image.confidence)}
        {image?.edited && <b title="moved by you">moved</b>}
      </small>
    </div>
  );
}

/** What of the grid is in sight. */
function useView(box: RefObject<HTMLDivElement>) {
  const [view, setView] = useState({ width: 0, height: 0, top: 0 });
  useLayoutEffect(() => {
    const element = box.current!;
    const measure = () => setView({ width: element.clientWidth, height: element.clientHeight, top: element.scrollTop });
    const sized = new ResizeObserver(measure);
    sized.observe(element);
    element.addEventListener("scroll", measure, { passive: true });
    measure();
    return () => {
      sized.disconnect();
      element.removeEventListener("scroll", measure);
    };
  }, []);
  return view;
}

/** Where a key leads from `from`, or null if the key leads nowhere. */
function goal(key: string, from: number, layout: GridLayout, height: number, total: number): number | null {
  const page = layout.columns * Math.max(1, Math.floor(height / layout.stepY) - 1);
  const steps: Record<string, number> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -layout.columns,
    ArrowDown: layout.columns,
    PageUp: -page,
    PageDown: page,
    Home: -total,
    End: total,
  };
  const step = steps[key];
  if (step === undefined || total === 0) return null;
  const target = from + step;
  // Up and down stay in their column at the ends.
  if (Math.abs(step) === layout.columns && (target < 0 || target >= total)) return from;
  return Math.max(0, Math.min(total - 1, target));
}
