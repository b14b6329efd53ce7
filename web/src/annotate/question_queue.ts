import type { Question, Questions } from "./api";

/**
 * The questions that this tab shows next. A person is ahead of the server: a question that was
 * answered here is not shown again, though a list that was asked for before still holds it.
 */
export class QuestionQueue {
  round = 0;
  private open: Question[] = [];
  private pinned: string | null = null;
  /** Pairs answered here, and when the server confirmed it, in the count of `clock`. */
  private readonly done = new Map<string, number>();
  private clock = 0;

  /** The question on the page. It stays as long as it is open, whatever becomes more urgent. */
  current(): Question | null {
    return this.visible()[0] ?? null;
  }

  /** `current` and those after it. */
  first(count: number): Question[] {
    return this.visible().slice(0, count);
  }

  answered(question: Question): void {
    this.done.set(key(question), Infinity);
    this.pinned = null;
    this.pin();
  }

  confirmed(question: Question): void {
    if (this.done.has(key(question))) this.done.set(key(question), this.clock);
  }

  /** The server did not take the answer: the question is open again. */
  refused(question: Question): void {
    this.done.delete(key(question));
    this.pin();
  }

  /** Shows this pair first when it is open (again). */
  prefer(pair: { a: number; b: number }): void {
    this.pinned = key(pair);
    this.done.delete(this.pinned);
  }

  /** Call before a list is asked for, and give the result to `replace`. */
  asking(): number {
    return ++this.clock;
  }

  replace(questions: Questions, asked: number): void {
    for (const [pair, confirmed] of this.done) {
      if (confirmed < asked || questions.round !== this.round) this.done.delete(pair);
    }
    this.round = questions.round;
    this.open = questions.questions;
    this.pin();
  }

  private pin(): void {
    const head = this.visible()[0];
    if (head) this.pinned = key(head);
  }

  private visible(): Question[] {
    const rest = this.open.filter((question) => !this.done.has(key(question)));
    const at = rest.findIndex((question) => key(question) === this.pinned);
    return at > 0 ? [...rest.splice(at, 1), ...rest] : rest;
  }
}

/** The same for (a, b) and (b, a). */
export function key({ a, b }: { a: number; b: number }): string {
  return a < b ? `${a}-${b}` : `${b}-${a}`;
}
