import {
  type Answer,
  type Changed,
  Client,
  Lost,
  type Question,
  type Questions,
  Refused,
  type State,
  type Undone,
} from "./api";
import { key } from "./question_queue";

/** What a person is told: for a while, or, where something went wrong, until the next notice. */
export interface Notice {
  text: string;
  wrong: boolean;
}

/**
 * gone: nothing answers. stranger: the annotator was started anew, with new secrets; this page is of
 * the one before and can do no more.
 */
export type Contact = "good" | "gone" | "stranger";

const kPatience = 35_000; // The server answers a waiting poll after 25 s.
const kNoticeStays = 6_000;

/**
 * This tab's view of the server: its state, kept up to date, and the changes that are on their way.
 * Changes go out one at a time in the order in which they were made.
 */
export class Session {
  state: State | null = null;
  contact: Contact = "good";
  notice: Notice | null = null;
  /** How often the server was lost and came back. */
  returns = 0;
  /** Changes that the server has not acknowledged. */
  waiting = 0;

  private readonly listeners = new Set<() => void>();
  private tail: Promise<unknown> = Promise.resolve();
  private returned: (() => void)[] = [];
  private noticeTimer = 0;

  constructor(readonly client: Client) {}

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  tell(text: string, wrong = false): void {
    this.notice = text ? { text, wrong } : null;
    clearTimeout(this.noticeTimer);
    if (text && !wrong) this.noticeTimer = window.setTimeout(() => this.tell(""), kNoticeStays);
    this.changed();
  }

  /** Follows the server for as long as the page is open and the server knows it. */
  async follow(): Promise<void> {
    let pause = 50;
    while (this.contact !== "stranger") {
      await shown();
      await sleep(pause);
      // Nobody promises that versions go on where they were after a restart, so that is asked anew.
      const wait = this.state !== null && this.contact === "good" && this.state.training.state !== "running";
      try {
        const state = await this.client.get<State>(
          wait ? `/api/state?after=${this.state!.version}` : "/api/state",
          kPatience,
        );
        this.accept(state, this.contact !== "good");
        pause = state.training.state === "running" ? 400 : 50;
      } catch (error) {
        pause = this.missed(error);
      }
    }
  }

  /** Resolves to the server's answer, or to null where it refused; the person was told why. */
  change(path: string, body: object): Promise<Changed | null> {
    return this.inTurn(async () => {
      try {
        return this.taken(await this.client.post(path, body));
      } catch (error) {
        if (error instanceof Lost) {
          this.lose("gone");
          this.tell("The annotator went away before it confirmed your last change. Look whether it was made.", true);
          return null;
        }
        return this.refused(error);
      }
    });
  }

  /**
   * Unlike other changes an answer is sent again when a lost server is back: doing it twice is
   * noticed by the server. Resolves to whether the answer counts.
   */
  answer(question: Question, answer: Answer): Promise<boolean> {
    return this.inTurn(async () => {
      let id: number | null = question.id;
      for (;;) {
        try {
          if (id === null) id = await this.openAgain(question);
          if (id === null) return true; // It was on disk before the server went.
          this.taken(await this.client.post("/api/answer", { question: id, answer }));
          return true;
        } catch (error) {
          if (!(error instanceof Lost)) return this.refused(error) !== null;
          this.lose("gone");
          id = null;
          await new Promise<void>((resolve) => this.returned.push(resolve));
        }
      }
    });
  }

  async undo(): Promise<Undone | null> {
    const changed = await this.change("/api/undo", {});
    if (changed?.undone) this.tell(`Taken back: ${inWords(changed.undone)}`);
    return changed?.undone ?? null;
  }

  private async openAgain(question: Question): Promise<number | null> {
    const { questions } = await this.client.get<Questions>("/api/questions?count=1000");
    return questions.find((open) => key(open) === key(question))?.id ?? null;
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.waiting += 1;
    this.changed();
    const result = this.tail.then(work).finally(() => {
      this.waiting -= 1;
      this.changed();
    });
    this.tail = result.catch(() => undefined);
    return result;
  }

  private taken(changed: Changed): Changed {
    this.accept(changed.state, false);
    if (this.notice?.wrong) this.tell("");
    return changed;
  }

  private refused(error: unknown): null {
    if (!(error instanceof Refused)) throw error;
    if (error.state) this.accept(error.state, false);
    if (error.status === 403) this.lose("stranger");
    else this.tell(error.message, true);
    return null;
  }

  private accept(state: State, afresh: boolean): void {
    if (this.contact === "stranger") return;
    // Answers to requests may overtake each other.
    if (!afresh && this.state && state.version < this.state.version) return;
    this.state = state;
    if (this.contact !== "good") this.returns += 1;
    this.contact = "good";
    for (const go of this.returned.splice(0)) go();
    this.changed();
  }

  private missed(error: unknown): number {
    if (error instanceof Lost) {
      this.lose("gone");
      return 500;
    }
    if (error instanceof Refused && error.status === 403) this.lose("stranger");
    return 2_000; // Too many tabs wait already, or the like: ask again.
  }

  private lose(contact: Contact): void {
    if (this.contact === contact || this.contact === "stranger") return;
    this.contact = contact;
    this.changed();
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }
}

export function inWords(done: Undone): string {
  switch (done.kind) {
    case "pair":
      return `#${done.a} and #${done.b}: ${answerInWords(done.answer)}`;
    case "move":
      return "images moved";
    case "split":
      return "images split off";
    case "merge":
      return "clusters merged";
    case "name":
      return "a name";
    default:
      return done.kind;
  }
}

export function answerInWords(answer: Answer | undefined): string {
  return answer === "must" ? "same" : answer === "cannot" ? "different" : "unsure";
}

/** A hidden tab holds no connection: browsers grant a server few, and other tabs need them. */
function shown(): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", () => resolve(), { once: true });
  });
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
