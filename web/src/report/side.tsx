import { useMemo, useState } from "preact/hooks";
import type { Group } from "./colours";
import type { MapData } from "./data";
import { counted, csv, facts, shares } from "./describe";
import { Picture } from "./picture";

const kPage = 60; // pictures that are shown at first, and with each "more"
const kSide = 64;

/** Some points, and what they are called. */
export interface Selection {
  name: string;
  points: Int32Array;
}

export function Legend(props: { groups: Group[]; chosen: string | null; onChoose: (group: number) => void }) {
  return (
    <ul class="map-legend" aria-label="Colours; choose one to see it alone">
      {props.groups.map((group, place) => (
        <li key={group.name}>
          <button type="button" aria-pressed={props.chosen === group.name} onClick={() => props.onChoose(place)}>
            <span class="swatch" style={{ background: group.colour }} />
            <span>{group.name}</span> <span class="share">{group.count.toLocaleString("en")}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function listed(of: Int32Array, points: Int32Array, name: (key: number) => string): string {
  const all = shares(of, points);
  const parts = all.slice(0, 6).map(({ key, count }) => `${name(key)}: ${count.toLocaleString("en")}`);
  if (all.length > 6) parts.push(`${all.length - 6} more`);
  return parts.join(", ");
}

function save(data: MapData, points: Int32Array): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv(data, points)], { type: "text/csv" }));
  link.download = "selection.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export function Chosen(props: {
  data: MapData;
  selection: Selection;
  onClear: () => void;
  onPin: (point: number) => void;
}) {
  const { data, selection } = props;
  const [most, setMost] = useState(kPage);
  const [surestFirst, setSurestFirst] = useState(true);
  // Both take long for many points, and the map is drawn again wherever the mouse goes.
  const order = useMemo(
    () =>
      selection.points
        .slice()
        .sort((a, b) => (surestFirst ? 1 : -1) * (data.confidences[b]! - data.confidences[a]!) || a - b),
    [data, selection, surestFirst],
  );
  const parts = useMemo(
    () => ({
      clusters: listed(data.labels, selection.points, (k) => `Cluster ${k}`),
      classes: data.truth && listed(data.truth, selection.points, (c) => data.classes[c]!),
    }),
    [data, selection],
  );
  return (
    <div class="map-list" role="region" aria-labelledby="chosen-name">
      <header>
        <h3 id="chosen-name">
          {selection.name} <span class="share">{counted(data, selection.points.length)}</span>
        </h3>
        <div class="map-tools">
          <button type="button" onClick={() => setSurestFirst(!surestFirst)}>
            {surestFirst ? "Least sure first" : "Surest first"}
          </button>
          <button type="button" onClick={() => save(data, selection.points)}>
            Save as csv
          </button>
          <button type="button" onClick={props.onClear}>
            Let go
          </button>
        </div>
      </header>
      <p class="note">
        {parts.clusters}
        {parts.classes && <br />}
        {parts.classes}
      </p>
      <Tiles data={data} points={order.slice(0, most)} onPick={props.onPin} action="Pin" />
      {order.length > most && (
        <button type="button" class="more" onClick={() => setMost(most + kPage)}>
          {`More (${(order.length - most).toLocaleString("en")} are not shown)`}
        </button>
      )}
    </div>
  );
}

export function Pins(props: { data: MapData; pins: number[]; onRemove: (point: number) => void }) {
  const { data, pins } = props;
  return (
    <div class="map-list" role="region" aria-labelledby="pins-name">
      <header>
        <h3 id="pins-name">
          Pinned <span class="share">{counted(data, pins.length)}</span>
        </h3>
        <div class="map-tools">
          <button type="button" onClick={() => save(data, Int32Array.from(pins))}>
            Save as csv
          </button>
        </div>
      </header>
      <Tiles data={data} points={Int32Array.from(pins)} onPick={props.onRemove} action="Remove" detailed />
    </div>
  );
}

function Tiles(props: {
  data: MapData;
  points: Int32Array;
  onPick: (point: number) => void;
  action: string;
  detailed?: boolean;
}) {
  const { data } = props;
  return (
    <ol class={props.detailed ? "map-tiles detailed" : "map-tiles"}>
      {Array.from(props.points, (point) => (
        <li key={point}>
          <button
            type="button"
            data-point={point}
            title={`${data.names[point]}: ${facts(data, point)}`}
            aria-label={`${props.action} ${data.names[point]}: ${facts(data, point)}`}
            onClick={() => props.onPick(point)}
          >
            <Picture data={data} point={point} side={kSide} />
            {(!data.tiles || props.detailed) && <span>{data.names[point]}</span>}
            {props.detailed && <span class="share">{facts(data, point)}</span>}
          </button>
        </li>
      ))}
    </ol>
  );
}
