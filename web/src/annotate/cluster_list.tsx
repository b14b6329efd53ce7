import { useEffect, useRef, useState } from "preact/hooks";
import type { Cluster } from "./api";
import { letGo } from "./hooks";
import { clusterName, counted, percent, Picture } from "./parts";

const kColours = 20; // shared/colours.css has as many

interface ListProps {
  clusters: Cluster[];
  current: number;
  show: (id: number) => void;
}

export function ClusterList({ clusters, current, show }: ListProps) {
  const [wanted, setWanted] = useState("");
  const text = wanted.trim().toLowerCase();
  const found = clusters.filter((cluster) => clusterName(cluster).toLowerCase().includes(text));
  return (
    <nav aria-label="Clusters">
      <label>
        <span class="unseen">Find a cluster</span>
        <input
          type="search"
          placeholder={`Find among ${clusters.length}`}
          value={wanted}
          onInput={(event) => setWanted(event.currentTarget.value)}
        />
      </label>
      <ul>
        {found.map((cluster) => (
          <Row key={cluster.id} cluster={cluster} current={cluster.id === current} show={show} />
        ))}
      </ul>
    </nav>
  );
}

function Row({ cluster, current, show }: { cluster: Cluster; current: boolean; show: (id: number) => void }) {
  const row = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (current) row.current!.scrollIntoView({ block: "nearest" });
  }, [current]);
  return (
    <li>
      <button
        type="button"
        ref={row}
        aria-current={current}
        onClick={(event) => {
          letGo(event);
          show(cluster.id);
        }}
      >
        <span class={`dot c${cluster.id % kColours}`} />
        <span class="name">{clusterName(cluster)}</span>
        <span class="soft">
          {counted(cluster.size)} · {percent(cluster.confidence)}
        </span>
        <span class="strip">
          {cluster.examples.map((id) => (
            <Picture key={id} id={id} name="" kind="tiny" />
          ))}
        </span>
      </button>
    </li>
  );
}
