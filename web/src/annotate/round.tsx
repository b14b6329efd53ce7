import type { Contradiction, State } from "./api";
import { Button, counted, percent, Picture } from "./parts";
import { answerInWords } from "./session";

export function left(state: State): number {
  return Math.max(0, state.budget - state.answered - state.skipped - state.filled);
}

/** How far this round's budget is. */
export function RoundProgress({ state, waiting }: { state: State; waiting: number }) {
  const parts: [string, string, number][] = [
    ["answered", "answered", state.answered],
    ["filled", "follow from them", state.filled],
    ["skipped", "skipped", state.skipped],
    ["left", "left", left(state)],
  ];
  const share = (count: number) => ({ flexGrow: count });
  const done = state.budget - left(state);
  return (
    <div class="round">
      <strong>Round {state.round}</strong>
      <div
        class="bar"
        role="progressbar"
        aria-label="This round's questions"
        aria-valuemin={0}
        aria-valuemax={state.budget}
        aria-valuenow={done}
      >
        {parts.map(([kind, , count]) => (
          <span key={kind} class={kind} style={share(count)} />
        ))}
      </div>
      <ul class="legend">
        {parts.map(([kind, words, count]) => (
          <li key={kind} class={kind}>
            <b>{counted(count)}</b> {words}
          </li>
        ))}
        <li class="soft">of {counted(state.budget)}</li>
        {waiting > 0 && <li class="soft">saving…</li>}
      </ul>
    </div>
  );
}

/** Shown in place of the questions while their answers are learnt. */
export function TrainingPanel({ state }: { state: State }) {
  const { text, fraction } = state.training;
  return (
    <div class="panel training">
      <h1>Learning from your answers</h1>
      <p>
        {counted(state.total.must)} times “same”, {counted(state.total.cannot)} times “different”, and your corrections.
        The next round's questions appear here by themselves; you may close the page meanwhile.
      </p>
      <progress value={fraction} max={1} aria-label="Training" />
      <p class="soft" role="status">
        {percent(fraction)} · {text || "starting"}
      </p>
    </div>
  );
}

export function FailedPanel({ state, again }: { state: State; again: () => void }) {
  return (
    <div class="panel failed" role="alert">
      <h1>The training failed</h1>
      <p>{state.training.error}</p>
      <p>Nothing is lost: your answers are saved, and the clusters are as they were.</p>
      <Button kind="main" onClick={again}>
        Try again
      </Button>
    </div>
  );
}

export function Contradictions({ list }: { list: Contradiction[] }) {
  if (list.length === 0) return null;
  return (
    <details class="contradictions" open>
      <summary>
        {list.length === 1 ? "One answer contradicts" : `${counted(list.length)} answers contradict`} what you said
        before
      </summary>
      <p class="soft">
        These answers are kept but not learnt from. If one of them was a slip, undo takes answers back from the last one
        on.
      </p>
      <ul>
        {list.map((found) => (
          <li key={found.event}>
            <Chain links={[found]} />
            <span class="but">but</span>
            <Chain links={found.because} />
          </li>
        ))}
      </ul>
    </details>
  );
}

/** Images joined by what was answered about each two neighbours. */
function Chain({ links }: { links: Pick<Contradiction, "a" | "b" | "answer">[] }) {
  const start = links[0]?.a;
  if (start === undefined) return null;
  // The links may be given in either direction.
  const stops = links.reduce<number[]>((path, { a, b }) => [...path, path[path.length - 1] === b ? a : b], [start]);
  return (
    <span class="chain">
      {stops.map((id, index) => (
        <span key={id} class="stop">
          {index > 0 && <em class={links[index - 1]!.answer}>{answerInWords(links[index - 1]!.answer)}</em>}
          <Picture id={id} kind="tiny" />
          <small>#{id}</small>
        </span>
      ))}
    </span>
  );
}
