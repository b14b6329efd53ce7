import { useEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import type { Cluster, ClusterImage, ClusterPage, Order, State } from "./api";
import { ClusterList } from "./cluster_list";
import { ChooseCluster, Dialog, NameDialog } from "./dialogs";
import { useKeys } from "./hooks";
import { ImageGrid } from "./image_grid";
import { ImagePages } from "./image_pages";
import { Button, clusterName, percent, Picture, pixelated, plural } from "./parts";
import { Selection } from "./selection";
import type { Session } from "./session";

export interface Place {
  cluster: number | null;
  order: Order;
}

interface ClustersProps {
  session: Session;
  state: State;
  place: Place;
  go: (place: Place) => void;
}

type Open = "move" | "split" | "merge" | "name" | null;

export function Clusters({ session, state, place, go }: ClustersProps) {
  const clusters = useClusters(session, state);
  const [open, setOpen] = useState<Open>(null);
  const [zoomed, setZoomed] = useState<ClusterImage | null>(null);
  const [tile, setTile] = useState(96);
  const [, count] = useReducer((drawn: number) => drawn + 1, 0);
  const redraw = () => count(undefined);
  const cluster = clusters?.find(({ id }) => id === place.cluster) ?? clusters?.[0] ?? null;
  const { pages, selection } = useImages(session, state, { clusters, cluster, order: place.order }, redraw);
  const locked = state.training.state === "running";
  const chosen = [...selection.ids];
  const close = () => setOpen(null);

  const show = (id: number | undefined) => id !== undefined && go({ ...place, cluster: id });
  const step = (by: number) => {
    if (!clusters || !cluster) return;
    show(clusters[clusters.indexOf(cluster) + by]?.id);
  };
  const begin = (what: Open) => {
    if (locked) session.tell("Corrections wait until the training is done.", true);
    else if (cluster && (chosen.length > 0 || (what !== "move" && what !== "split"))) setOpen(what);
  };
  const change = async (path: string, body: object, words: string) => {
    close();
    const changed = await session.change(path, body);
    if (changed) session.tell(`${words}  —  z takes it back`);
    return changed !== null;
  };
  const move = async (to: Cluster) => {
    const moved = chosen;
    if (
      await change(
        "/api/move",
        { images: moved, to: to.id },
        `${plural(moved.length, "image")} moved to ${clusterName(to)}`,
      )
    ) {
      selection.drop(moved);
      redraw();
    }
  };
  const split = async (name: string) => {
    const moved = chosen;
    if (await change("/api/split", { images: moved, name }, `${plural(moved.length, "image")} split off`)) {
      selection.drop(moved);
      redraw();
    }
  };
  const merge = async (into: Cluster) => {
    const words = `${clusterName(cluster!)} merged into ${clusterName(into)}`;
    if (await change("/api/merge", { from: cluster!.id, into: into.id }, words)) show(into.id);
  };
  const name = (text: string) =>
    void change("/api/name", { cluster: cluster!.id, name: text }, text ? `Named ${text}` : "Name taken away");
  const clear = () => {
    selection.ids.clear();
    redraw();
  };
  const reorder = (order: Order) => go({ cluster: cluster?.id ?? null, order });
  const zoom = () => setZoomed(zoomed ? null : (pages?.at(selection.active) ?? null));

  useKeys({
    m: () => begin("move"),
    s: () => begin("split"),
    g: () => begin("merge"),
    r: () => begin("name"),
    o: () => reorder(place.order === "surest" ? "unsure" : "surest"),
    z: () => void session.undo(),
    "[": () => step(-1),
    "]": () => step(1),
    "+": zoom,
    "=": zoom,
    Escape: clear,
  });

  if (!clusters) return <main class="clusters" aria-busy="true" />;
  if (!cluster) return <main class="clusters">There are no clusters.</main>;
  const others = clusters.filter(({ id }) => id !== cluster.id);
  return (
    <main class={`clusters ${pixelated(state.shape)}`}>
      <ClusterList clusters={clusters} current={cluster.id} show={show} />
      <section aria-label={clusterName(cluster)}>
        <header>
          <h1>{clusterName(cluster)}</h1>
          <span class="soft">
            {plural(cluster.size, "image")} · {percent(cluster.confidence)} sure
          </span>
          <div class="tools">
            <Button shortcut="r" disabled={locked} onClick={() => begin("name")}>
              Name
            </Button>
            <Button shortcut="g" disabled={locked || others.length === 0} onClick={() => begin("merge")}>
              Merge
            </Button>
          </div>
          <fieldset class="order">
            <legend class="unseen">Order</legend>
            {(["surest", "unsure"] as const).map((order) => (
              <label key={order}>
                <input type="radio" name="order" checked={place.order === order} onChange={() => reorder(order)} />
                {order === "surest" ? "surest first" : "least sure"}
              </label>
            ))}
          </fieldset>
          <label class="size">
            <span class="unseen">Size of the images</span>
            <input
              type="range"
              min={48}
              max={192}
              step={16}
              value={tile}
              onInput={(event) => setTile(event.currentTarget.valueAsNumber)}
            />
          </label>
        </header>
        {pages && (
          <ImageGrid
            key={`${cluster.id} ${place.order}`}
            label={`Images of ${clusterName(cluster)}`}
            pages={pages}
            selection={selection}
            tile={tile}
            redraw={redraw}
            onZoom={setZoomed}
          />
        )}
        <footer>
          <span role="status">
            {chosen.length > 0
              ? `${plural(chosen.length, "image")} selected`
              : "Click, drag or use arrows and space to select"}
          </span>
          <div class="tools">
            <Button kind="main" shortcut="m" disabled={locked || chosen.length === 0} onClick={() => begin("move")}>
              Move
            </Button>
            <Button shortcut="s" disabled={locked || chosen.length === 0} onClick={() => begin("split")}>
              Split off
            </Button>
            <Button shortcut="Escape" disabled={chosen.length === 0} onClick={clear}>
              Select none
            </Button>
            <Button shortcut="z" disabled={locked || state.undoable === 0} onClick={() => void session.undo()}>
              Undo
            </Button>
          </div>
        </footer>
      </section>
      {open === "move" && (
        <ChooseCluster
          title={`Move ${plural(chosen.length, "image")} to`}
          clusters={others}
          onChosen={(to) => void move(to)}
          onClose={close}
        />
      )}
      {open === "merge" && (
        <ChooseCluster
          title={`Merge ${clusterName(cluster)} into`}
          clusters={others}
          onChosen={(into) => void merge(into)}
          onClose={close}
        />
      )}
      {open === "split" && (
        <NameDialog
          title={`Name of the new cluster of ${plural(chosen.length, "image")}`}
          value=""
          action="Split off"
          onDone={(text) => void split(text)}
          onClose={close}
        />
      )}
      {open === "name" && (
        <NameDialog
          title={`Name of cluster ${cluster.id}`}
          value={cluster.name}
          action="Name"
          onDone={name}
          onClose={close}
        />
      )}
      {zoomed && (
        <Dialog title={`image ${zoomed.id}`} kind={`zoom ${pixelated(state.shape)}`} onClose={() => setZoomed(null)}>
          <Picture id={zoomed.id} big kind="large" />
          <p>
            <b>#{zoomed.id}</b> <span class="path">{zoomed.path}</span> · {percent(zoomed.confidence)}
          </p>
          <div class="actions">
            <button type="button" class="main" onClick={() => setZoomed(null)}>
              Close
            </button>
          </div>
        </Dialog>
      )}
    </main>
  );
}

/** All clusters as they are now; null until they are known. */
function useClusters(session: Session, state: State): Cluster[] | null {
  const [clusters, setClusters] = useState<Cluster[] | null>(null);
  const running = state.training.state === "running";
  useEffect(() => {
    if (running && clusters !== null) return undefined; // Each step of a training is a new version.
    let wanted = true;
    session.client
      .get<{ clusters: Cluster[] }>("/api/clusters")
      .then((found) => wanted && setClusters(found.clusters))
      .catch(() => undefined); // The session tells, and its return asks again.
    return () => {
      wanted = false;
    };
  }, [running ? -1 : state.version, state.round, running, session.contact]);
  return clusters;
}

interface Shown {
  clusters: Cluster[] | null;
  cluster: Cluster | null;
  order: Order;
}

/** The images of a cluster, and what is selected of them: kept when they are sorted anew or change. */
function useImages(session: Session, state: State, shown: Shown, redraw: () => void) {
  const { clusters, cluster, order } = shown;
  const id = cluster?.id ?? null;
  const selection = useMemo(() => new Selection(), [id, state.round]);
  const pages = useMemo(() => {
    if (id === null) return null;
    selection.go(0);
    const load = (offset: number, count: number) =>
      session.client.get<ClusterPage>(`/api/cluster?id=${id}&offset=${offset}&count=${count}&order=${order}`);
    return new ImagePages(load, redraw);
  }, [id, order, state.round]);
  // With the list, not with the state: by then it is known whether the cluster still is.
  const known = useRef(clusters);
  useEffect(() => {
    if (known.current === clusters) return;
    known.current = clusters;
    pages?.outdated();
    redraw();
  }, [pages, clusters]);
  return { pages, selection };
}
