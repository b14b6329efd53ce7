import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Cluster, State } from "./api";
import { clusterName, counted, Picture, plural } from "./parts";
import { left } from "./round";

interface DialogProps {
  title: string;
  kind: string;
  children: ComponentChildren;
  onClose: () => void;
}

/**
 * A modal dialog; Escape and a click beside it close it, and focus returns to where it was. A press that
 * began within it, to select text say, is no click beside it.
 */
export function Dialog({ title, kind, children, onClose }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const pressedBeside = useRef(false);
  const beside = ({ clientX: x, clientY: y }: MouseEvent) => {
    const box = element.current!.getBoundingClientRect();
    return x < box.left || x > box.right || y < box.top || y > box.bottom;
  };
  useEffect(() => {
    const dialog = element.current!;
    const before = document.activeElement;
    dialog.showModal();
    return () => {
      dialog.close();
      if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={kind}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onPointerDown={(event) => (pressedBeside.current = beside(event))}
      onClick={(event) => pressedBeside.current && beside(event) && onClose()}
    >
      {children}
    </dialog>
  );
}

interface NameProps {
  title: string;
  value: string;
  action: string;
  onDone: (name: string) => void;
  onClose: () => void;
}

export function NameDialog({ title, value, action, onDone, onClose }: NameProps) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current!.select(), []);
  return (
    <Dialog title={title} kind="small" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onDone(field.current!.value.trim());
        }}
      >
        <label>
          {title}
          <input
            ref={field}
            type="text"
            maxLength={100}
            defaultValue={value}
            placeholder="no name"
            autocomplete="off"
          />
        </label>
        <div class="actions">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="main">
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** Training takes a while, and answers wait for its end: so it is asked for twice. */
export function TrainDialog({ state, onTrain, onClose }: { state: State; onTrain: () => void; onClose: () => void }) {
  const open = left(state);
  return (
    <Dialog title="Train now" kind="small" onClose={onClose}>
      <p>
        The clusters learn from {plural(state.total.must + state.total.cannot, "answer")} and from your corrections;
        until that is done none can be given.{" "}
        {open > 0 && `${plural(open, "question")} of this round will not be asked.`}
      </p>
      <div class="actions">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" class="main" onClick={onTrain}>
          Train now
        </button>
      </div>
    </Dialog>
  );
}

interface ChooseProps {
  title: string;
  clusters: Cluster[];
  onChosen: (cluster: Cluster) => void;
  onClose: () => void;
}

/** Finds a cluster by part of its name or by its number: type, arrows, Enter. */
export function ChooseCluster({ title, clusters, onChosen, onClose }: ChooseProps) {
  const [wanted, setWanted] = useState("");
  const [place, setPlace] = useState(0);
  const found = useMemo(() => {
    const text = wanted.trim().toLowerCase();
    const exact = clusters.filter(({ id }) => String(id) === text);
    return [...exact, ...clusters.filter((c) => !exact.includes(c) && clusterName(c).toLowerCase().includes(text))];
  }, [wanted, clusters]);
  const at = Math.min(place, found.length - 1);

  const pressed = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step) {
      event.preventDefault();
      setPlace(Math.max(0, Math.min(found.length - 1, at + step)));
    } else if (event.key === "Enter" && found[at]) {
      event.preventDefault();
      onChosen(found[at]);
    }
  };

  return (
    <Dialog title={title} kind="small" onClose={onClose}>
      <label>
        {title}
        <input
          type="text"
          value={wanted}
          placeholder="name or number"
          autocomplete="off"
          role="combobox"
          aria-expanded="true"
          aria-controls="clusters-found"
          aria-activedescendant={found[at] ? `found-${found[at].id}` : undefined}
          onInput={(event) => {
            setWanted(event.currentTarget.value);
            setPlace(0);
          }}
          onKeyDown={pressed}
        />
      </label>
      <ul id="clusters-found" class="found" role="listbox" aria-label="Clusters">
        {found.map((cluster, index) => (
          <li
            key={cluster.id}
            id={`found-${cluster.id}`}
            role="option"
            aria-selected={index === at}
            ref={(row) => {
              if (index === at) row?.scrollIntoView({ block: "nearest" });
            }}
            onClick={() => onChosen(cluster)}
          >
            <span class="strip">
              {cluster.examples.slice(0, 3).map((id) => (
                <Picture key={id} id={id} kind="tiny" />
              ))}
            </span>
            <span class="name">{clusterName(cluster)}</span>
            <span class="soft">{counted(cluster.size)}</span>
          </li>
        ))}
        {found.length === 0 && <li class="soft">No cluster of that name.</li>}
      </ul>
    </Dialog>
  );
}

const kHelp: [string, [string, string][]][] = [
  [
    "Everywhere",
    [
      ["1  2", "pairs, clusters"],
      ["z", "undo, down to the first change"],
      ["?", "this list"],
    ],
  ],
  [
    "Pairs",
    [
      ["y", "the same"],
      ["n", "different"],
      ["u  space", "unsure: skip"],
      ["+", "larger; + or Esc: back"],
    ],
  ],
  [
    "Clusters",
    [
      ["[  ]", "previous, next cluster"],
      ["arrows", "go from image to image; with Shift: select"],
      ["space", "select or not"],
      ["Ctrl a  Esc", "select all, none"],
      ["m  s", "move, split off what is selected"],
      ["g  r", "merge, rename the cluster"],
      ["o", "surest or least sure first"],
      ["+", "look at the image"],
    ],
  ],
];

export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" kind="help" onClose={onClose}>
      <h2>Keys</h2>
      {kHelp.map(([where, keys]) => (
        <section key={where}>
          <h3>{where}</h3>
          <dl>
            {keys.map(([names, what]) => (
              <div key={names}>
                <dt>
                  {names.split("  ").map((name) => (
                    <kbd key={name}>{name}</kbd>
                  ))}
                </dt>
                <dd>{what}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
      <div class="actions">
        <button type="button" class="main" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
