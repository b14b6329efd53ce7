import { useEffect, useMemo, useState } from "preact/hooks";
import { Clusters, type Place } from "./clusters";
import { Help, TrainDialog } from "./dialogs";
import { useKeys, useSession } from "./hooks";
import { Pairs } from "./pairs";
import { Button, counted, Images, plural } from "./parts";
import { FailedPanel } from "./round";
import type { Session } from "./session";

type Where = { mode: "pairs" } | ({ mode: "clusters" } & Place);

export function App({ session }: { session: Session }) {
  useSession(session);
  const [where, go] = useWhere();
  const [place, setPlace] = useState<Place>({ cluster: null, order: "surest" });
  const [help, setHelp] = useState(false);
  const [training, setTraining] = useState(false);
  const state = session.state;
  const images = useMemo(
    () => ({ key: state?.images_key ?? "", returns: session.returns }),
    [state?.images_key, session.returns],
  );
  const train = () => {
    setTraining(false);
    void session.change("/api/train", {});
  };

  const enter = (mode: Where["mode"]) => go(mode === "pairs" ? { mode } : { mode, ...place });
  useKeys({ "1": () => enter("pairs"), "2": () => enter("clusters"), "?": () => setHelp(!help) });
  useEffect(() => {
    if (where.mode === "clusters") setPlace({ cluster: where.cluster, order: where.order });
  }, [where]);
  useEffect(() => {
    const warn = (event: BeforeUnloadEvent) => session.waiting > 0 && event.preventDefault();
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, []);
  useEffect(() => {
    if (state) document.title = `${state.run} – coterie annotate`;
  }, [state?.run]);

  return (
    <Images.Provider value={images}>
      <header class="top">
        <span class="brand">coterie</span>
        <nav aria-label="Modes">
          {(["pairs", "clusters"] as const).map((mode, index) => (
            <a
              key={mode}
              href={`#${mode}`}
              aria-current={where.mode === mode ? "page" : undefined}
              onClick={(event) => {
                event.preventDefault();
                enter(mode);
              }}
            >
              {mode === "pairs" ? "Pairs" : "Clusters"} <kbd aria-hidden="true">{index + 1}</kbd>
            </a>
          ))}
        </nav>
        {state && (
          <span class="run soft">
            <b>{state.run}</b> · {state.method} · {counted(state.images)} images in {plural(state.clusters, "cluster")}
          </span>
        )}
        {state?.training.state === "running" && (
          <>
            <span class="busy" role="status">
              training …
            </span>
            <Button onClick={() => void session.change("/api/stop", {})}>Stop training</Button>
          </>
        )}
        {state && state.training.state !== "running" && (
          <Button disabled={state.undoable === 0} onClick={() => setTraining(true)}>
            Train now
          </Button>
        )}
        <Button shortcut="?" onClick={() => setHelp(true)}>
          Keys
        </Button>
      </header>
      <Banner session={session} />
      {state?.training.state === "failed" && <FailedPanel state={state} again={train} />}
      {state && where.mode === "pairs" && <Pairs session={session} state={state} />}
      {state && where.mode === "clusters" && (
        <Clusters session={session} state={state} place={where} go={(next) => go({ mode: "clusters", ...next })} />
      )}
      <p
        class={`notice ${session.notice?.wrong ? "wrong" : ""}`}
        role={session.notice?.wrong ? "alert" : "status"}
        hidden={!session.notice}
      >
        {session.notice?.text}
        {session.notice?.wrong && (
          <button type="button" aria-label="Close this message" onClick={() => session.tell("")}>
            ×
          </button>
        )}
      </p>
      {training && state && <TrainDialog state={state} onTrain={train} onClose={() => setTraining(false)} />}
      {help && <Help onClose={() => setHelp(false)} />}
    </Images.Provider>
  );
}

function Banner({ session }: { session: Session }) {
  if (session.contact === "good") return null;
  const waiting = session.waiting > 0 ? plural(session.waiting, "change") : "";
  return (
    <p class="banner" role="alert">
      {session.contact === "stranger" ? (
        <>
          The annotator was started again, and this page is of the time before: open the address that it printed. All
          that was confirmed is saved{waiting && `; ${waiting} made here ${session.waiting > 1 ? "were" : "was"} not confirmed`}.
        </>
      ) : (
        <>
          The annotator does not answer. All that it confirmed is saved
          {waiting && `; ${waiting} will be sent when it answers`}. If it has ended, start it again (coterie annotate
          RUN) and open the address that it prints.
        </>
      )}
    </p>
  );
}

/** Where the person is, kept in the address, so that a reload comes back to it. */
function useWhere(): [Where, (where: Where) => void] {
  const [where, setWhere] = useState(() => parsed(location.hash));
  useEffect(() => {
    const moved = () => setWhere(parsed(location.hash));
    window.addEventListener("hashchange", moved);
    return () => window.removeEventListener("hashchange", moved);
  }, []);
  const go = (next: Where) => {
    const hash = next.mode === "pairs" ? "#pairs" : `#clusters/${next.cluster ?? ""}/${next.order}`;
    history.replaceState(null, "", hash);
    setWhere(next);
  };
  return [where, go];
}

function parsed(hash: string): Where {
  const [mode, cluster, order] = hash.slice(1).split("/");
  if (mode !== "clusters") return { mode: "pairs" };
  const id = /^\d+$/.test(cluster ?? "") ? Number(cluster) : null;
  return { mode, cluster: id, order: order === "unsure" ? "unsure" : "surest" };
}
