import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type ColourBy, Palette, choices, grouping, pointColours } from "./colours";
import type { Place } from "./camera";
import type { MapData } from "./data";
import { counted, facts } from "./describe";
import { Picture } from "./picture";
import { Chosen, Legend, Pins, type Selection } from "./side";
import { Stage } from "./stage";

/** The page's colours now, and again when it turns light or dark. */
function usePalette(): Palette {
  const read = () => new Palette(getComputedStyle(document.documentElement));
  const [palette, setPalette] = useState(read);
  useEffect(() => {
    const query = matchMedia("(prefers-color-scheme: dark)");
    const change = () => setPalette(read());
    query.addEventListener("change", change);
    return () => query.removeEventListener("change", change);
  }, []);
  return palette;
}

/** 1 for each point that is chosen. */
function maskOf(count: number, points: Int32Array): Uint8Array {
  const mask = new Uint8Array(count);
  for (const point of points) mask[point] = 1;
  return mask;
}

/** All points, the chosen ones last: drawn on top. */
function drawingOrder(count: number, mask: Uint8Array | null): Uint32Array {
  const order = new Uint32Array(count);
  let next = 0;
  for (const wanted of mask ? [0, 1] : [0])
    for (let i = 0; i < count; ++i) if (!mask || mask[i] === wanted) order[next++] = i;
  return order;
}

interface Shown {
  point: number;
  at: Place;
}

export function App({ data, onReady }: { data: MapData; onReady: () => void }) {
  const palette = usePalette();
  const [by, setBy] = useState<ColourBy>("cluster");
  const [lasso, setLasso] = useState(false);
  const [selection, setSelection] = useState<Selection | null>(null);
  const [pins, setPins] = useState<number[]>([]);
  const [shown, setShown] = useState<Shown | null>(null);
  const [said, setSaid] = useState("");
  const canvas = useRef<HTMLCanvasElement>(null);
  const overlay = useRef<SVGSVGElement>(null);
  const stage = useRef<Stage | null>(null);

  const select = (next: Selection | null) => {
    setSelection(next);
    setSaid(next ? `${next.name}: ${counted(data, next.points.length)}` : "Nothing is chosen");
  };
  const pin = (point: number) => {
    setPins((now) => (now.includes(point) ? now : [point, ...now]));
    setSaid(`Pinned: ${data.names[point]}`);
  };

  useEffect(() => {
    stage.current = new Stage(canvas.current!, overlay.current!, data, {
      onPoint: (point, at, byKeyboard) => {
        setShown(point < 0 ? null : { point, at });
        if (byKeyboard) setSaid(point < 0 ? "No point near" : `${data.names[point]}: ${facts(data, point)}`);
      },
      onPin: pin,
      onLasso: (points) => select(points.length ? { name: "Drawn around", points } : null),
      onEscape: () => select(null),
    });
    onReady();
  }, []);

  const legend = useMemo(() => grouping(data, by, palette), [by, palette]);
  useEffect(() => {
    const mask = selection && maskOf(data.count, selection.points);
    stage.current?.paint(pointColours(data, by, palette, mask), drawingOrder(data.count, mask));
  }, [by, palette, selection]);
  if (stage.current) stage.current.lassoMode = lasso;

  const selectGroup = (group: number) => {
    const { name } = legend.groups[group]!;
    const points = Int32Array.from({ length: data.count }, (_, i) => i).filter((i) => legend.of(i) === group);
    select(selection?.name === name ? null : { name, points });
  };
  const colourBy = (next: ColourBy) => {
    setBy(next);
    setSelection(null);
  };

  return (
    <>
      <div class="map-bar" role="group" aria-label="Map controls">
        <fieldset>
          <legend>Colour by</legend>
          {choices(data).map((choice) => (
            <label key={choice.by}>
              <input type="radio" name="colour" checked={by === choice.by} onChange={() => colourBy(choice.by)} />
              <span>{choice.name}</span>
            </label>
          ))}
        </fieldset>
        <div class="map-tools">
          <button type="button" aria-pressed={lasso} onClick={() => setLasso(!lasso)} title="Or hold Shift">
            Lasso
          </button>
          <button type="button" onClick={() => select({ name: "In view", points: stage.current!.inView() })}>
            Choose what is seen
          </button>
          <button type="button" aria-label="Zoom in" onClick={() => stage.current!.zoomBy(1.5)}>
            +
          </button>
          <button type="button" aria-label="Zoom out" onClick={() => stage.current!.zoomBy(1 / 1.5)}>
            −
          </button>
          <button type="button" onClick={() => stage.current!.whole()}>
            Whole map
          </button>
        </div>
      </div>
      <div class="map-body">
        <div class={lasso ? "map-stage drawing" : "map-stage"}>
          <canvas
            ref={canvas}
            tabIndex={0}
            role="application"
            aria-label={`Map of ${counted(data, data.count)}`}
            aria-describedby="map-help"
          />
          <svg ref={overlay} aria-hidden="true">
            <path class="lasso" />
            <path class="cross" />
            <circle />
          </svg>
          {shown && <Hover data={data} shown={shown} canvas={canvas.current!} />}
        </div>
        <div class="map-side">
          <Legend groups={legend.groups} chosen={selection?.name ?? null} onChoose={selectGroup} />
        </div>
      </div>
      <p class="note" id="map-help">
        Drag to move, click to pin, Shift and drag to draw around points. Ctrl and the wheel zoom; once the map was
        clicked on, the wheel alone does. With the keyboard: arrows move a cursor (Shift: faster), Enter pins, + and −
        zoom, 0 shows the whole map, Escape lets go of what is chosen.
      </p>
      {selection && <Chosen data={data} selection={selection} onClear={() => select(null)} onPin={pin} />}
      {pins.length > 0 && (
        <Pins data={data} pins={pins} onRemove={(point) => setPins(pins.filter((other) => other !== point))} />
      )}
      <div class="unseen" role="status">
        {said}
      </div>
    </>
  );
}

/** What is under the pointer, beside it on the sides that have room. */
function Hover({ data, shown, canvas }: { data: MapData; shown: Shown; canvas: HTMLCanvasElement }) {
  const { point, at } = shown;
  const { clientWidth: width, clientHeight: height } = canvas;
  const place = {
    ...(at.x > width / 2 ? { right: `${width - at.x + 14}px` } : { left: `${at.x + 14}px` }),
    ...(at.y > height / 2
      ? { bottom: `${Math.max(0, height - at.y - 60)}px` }
      : { top: `${Math.max(0, at.y - 60)}px` }),
  };
  return (
    <div class="map-hover" data-point={point} style={place}>
      <Picture data={data} point={point} side={112} />
      <strong>{data.names[point]}</strong>
      <span>{facts(data, point)}</span>
    </div>
  );
}
