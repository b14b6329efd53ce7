import { useCallback, useEffect, useReducer, useRef, useState } from "preact/hooks";
import type { Answer, Question, Questions, State } from "./api";
import { useKeys } from "./hooks";
import { Button, Picture, pixelated } from "./parts";
import { key, QuestionQueue } from "./question_queue";
import { Contradictions, RoundProgress, TrainingPanel } from "./round";
import { answerInWords, type Session } from "./session";

const kAhead = 3; // Questions whose images are loaded before they are shown.
const kAsked = 20;
/** A question that came up by itself takes no answer for so long: the key was meant for the one before. */
const kSettle = 600;

export function Pairs({ session, state }: { session: Session; state: State }) {
  const { queue, refresh, redraw } = useQuestions(session, state);
  const [zoomed, setZoomed] = useState(false);
  const [last, setLast] = useState<{ question: Question; answer: Answer } | null>(null);
  const surprise = useSurprise(queue);
  const current = queue.current();
  const running = state.training.state === "running";
  const known = queue.round === state.round; // Not so until the first questions are here.

  const answer = async (given: Answer) => {
    if (!current || running || session.contact === "stranger" || surprise.settling()) return;
    queue.answered(current);
    surprise.expect(queue.current());
    setLast({ question: current, answer: given });
    redraw();
    if (await session.answer(current, given)) queue.confirmed(current);
    else queue.refused(current);
    await refresh();
  };
  const undo = async () => {
    const undone = await session.undo();
    if (!undone) return;
    setLast(null);
    if (undone.a !== undefined && undone.b !== undefined) {
      const pair = { a: undone.a, b: undone.b };
      queue.prefer(pair);
      surprise.expect(pair);
    }
    await refresh();
  };

  useKeys({
    y: () => void answer("must"),
    n: () => void answer("cannot"),
    u: () => void answer("skip"),
    " ": () => void answer("skip"),
    z: () => void undo(),
    "+": () => setZoomed(!zoomed),
    "=": () => setZoomed(!zoomed),
    Escape: () => setZoomed(false),
  });

  if (running) return <main class="pairs">{<TrainingPanel state={state} />}</main>;
  return (
    <main class={`pairs ${zoomed ? "zoomed" : ""} ${pixelated(state.shape)}`}>
      <RoundProgress state={state} waiting={session.waiting} />
      <h1 class={surprise.flash ? "flash" : ""}>
        {current
          ? "Do these two belong together?"
          : session.waiting > 0
            ? "Saving your answers…"
            : known
              ? "No question is open"
              : "Fetching the questions…"}
      </h1>
      {queue.first(1 + kAhead).map((question, index) => (
        <PairOfImages key={key(question)} question={question} hidden={index > 0} zoom={() => setZoomed(!zoomed)} />
      ))}
      {!current && known && session.waiting === 0 && (
        <div class="panel">
          <p>
            {state.budget > 0
              ? "All pairs of this round are answered, skipped, or follow from your answers. Train now, or correct clusters first."
              : "There are no pairs to ask about: the images are too few. Correct the clusters instead."}
          </p>
          <Button shortcut="z" disabled={state.undoable === 0} onClick={() => void undo()}>
            Undo
          </Button>
        </div>
      )}
      {current && (
        <div class="answers" role="group" aria-label="Answer">
          <Button kind="yes" shortcut="y" onClick={() => void answer("must")}>
            Same
          </Button>
          <Button kind="no" shortcut="n" onClick={() => void answer("cannot")}>
            Different
          </Button>
          <Button shortcut="u" onClick={() => void answer("skip")}>
            Unsure, skip
          </Button>
          <Button shortcut="z" disabled={state.undoable === 0} onClick={() => void undo()}>
            Undo
          </Button>
          <Button shortcut="+" onClick={() => setZoomed(!zoomed)}>
            {zoomed ? "Smaller" : "Larger"}
          </Button>
        </div>
      )}
      <p class="last soft" role="status">
        {surprise.flash
          ? "The question before was answered elsewhere, or follows from other answers."
          : last && `#${last.question.a} and #${last.question.b}: ${answerInWords(last.answer)}`}
      </p>
      <Contradictions list={state.contradictions} />
    </main>
  );
}

function PairOfImages({ question, hidden, zoom }: { question: Question; hidden: boolean; zoom: () => void }) {
  const side = (id: number, path: string, near: number[]) => (
    <figure>
      <button type="button" class="picture" tabIndex={-1} onClick={zoom} aria-label={`image ${id}, click to zoom`}>
        <Picture id={id} big kind="large" />
      </button>
      <figcaption>
        <span class="id">#{id}</span>
        <span class="path" title={path}>
          {path.slice(path.lastIndexOf("/") + 1)}
        </span>
        {near.length > 0 && (
          <>
            <span class="soft">others of its cluster</span>
            <span class="strip">
              {near.map((other) => (
                <Picture key={other} id={other} kind="near" />
              ))}
            </span>
          </>
        )}
      </figcaption>
    </figure>
  );
  return (
    <div class="pair" hidden={hidden} data-question={question.id}>
      {side(question.a, question.path_a, question.near_a)}
      {side(question.b, question.path_b, question.near_b)}
    </div>
  );
}

/** The queue of this tab, asked for again whenever the server's state has changed. */
function useQuestions(session: Session, state: State) {
  const queue = useRef(new QuestionQueue()).current;
  const [, count] = useReducer((drawn: number) => drawn + 1, 0);
  const redraw = () => count(undefined);
  const refresh = useCallback(async () => {
    const asked = queue.asking();
    try {
      queue.replace(await session.client.get<Questions>(`/api/questions?count=${kAsked}`), asked);
    } catch {
      return; // The session notices and tells; when the server is back its state asks again.
    }
    redraw();
  }, [session]);
  useEffect(() => {
    if (state.training.state !== "running") void refresh();
  }, [state.version, state.round, state.training.state, session.contact]);
  return { queue, refresh, redraw };
}

/** Notices when the question on the page changes and nobody here asked for it. */
function useSurprise(queue: QuestionQueue) {
  const expected = useRef<string | null>(null);
  const until = useRef(0);
  const [flash, setFlash] = useState(false);
  const current = queue.current();
  const shown = current && key(current);
  useEffect(() => {
    const surprising = expected.current !== null && shown !== null && expected.current !== shown;
    expected.current = shown;
    if (!surprising) {
      setFlash(false);
      return undefined;
    }
    until.current = performance.now() + kSettle;
    setFlash(true);
    const timer = setTimeout(() => setFlash(false), 3 * kSettle);
    return () => clearTimeout(timer);
  }, [shown]);
  return {
    flash,
    settling: () => performance.now() < until.current,
    expect: (pair: { a: number; b: number } | null) => {
      expected.current = pair && key(pair);
    },
  };
}
