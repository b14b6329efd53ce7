/** What the annotator's server says and takes; `docs/annotator.md` describes each route. */

export type Answer = "must" | "cannot" | "skip";
export type Order = "surest" | "unsure";

export interface Training {
  state: "idle" | "running" | "failed";
  round: number;
  text: string;
  /** Of the part that `text` names, in [0, 1]. */
  fraction: number;
  error: string;
}

export interface Link {
  a: number;
  b: number;
  answer: Answer;
}

/** An answer that the earlier ones in `because` exclude; `because` is a chain from `a` to `b`. */
export interface Contradiction extends Link {
  event: number;
  because: Link[];
}

export interface State {
  /** Grows with each change; `GET /api/state?after=VERSION` waits for the next. */
  version: number;
  run: string;
  method: string;
  images: number;
  clusters: number;
  /** Names the data: under it the browser may keep images. */
  images_key: string;
  /** [channels, height, width] */
  shape: [number, number, number];
  round: number;
  budget: number;
  answered: number;
  skipped: number;
  filled: number;
  total: { must: number; cannot: number; skip: number };
  undoable: number;
  training: Training;
  contradictions: Contradiction[];
}

export interface Question {
  id: number;
  a: number;
  b: number;
  path_a: string;
  path_b: string;
  cluster: number;
  /** The model's probability that both belong together. */
  same: number;
  near_a: number[];
  near_b: number[];
}

export interface Questions {
  round: number;
  questions: Question[];
}

export interface Cluster {
  id: number;
  name: string;
  size: number;
  confidence: number;
  examples: number[];
}

export interface ClusterImage {
  id: number;
  confidence: number;
  path: string;
  edited: boolean;
}

export interface ClusterPage {
  total: number;
  images: ClusterImage[];
}

export type Undone = { kind: string } & Partial<Link>;

export interface Changed {
  state: State;
  undone?: Undone;
}

/** The server understood and refused; `state` is there where it sent one. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly state: State | undefined,
  ) {
    super(message);
  }
}

/** The server did not answer at all. Whether it took the request is unknown. */
export class Lost extends Error {}

export class Client {
  constructor(private readonly token: string) {}

  get<T>(path: string, milliseconds = 20_000): Promise<T> {
    return this.request<T>(path, {}, milliseconds);
  }

  post<T = Changed>(path: string, body: object): Promise<T> {
    const headers = { "Content-Type": "application/json", "X-Coterie-Token": this.token };
    return this.request<T>(path, { method: "POST", headers, body: JSON.stringify(body) }, 20_000);
  }

  private async request<T>(path: string, options: RequestInit, milliseconds: number): Promise<T> {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), milliseconds);
    let response: Response;
    let text: string;
    try {
      response = await fetch(path, { ...options, signal: stop.signal, cache: "no-store" });
      text = await response.text();
    } catch (error) {
      throw new Lost(String(error));
    } finally {
      clearTimeout(timer);
    }
    if (response.ok) return JSON.parse(text) as T;
    const refusal = parsed(text);
    throw new Refused(response.status, refusal?.error ?? `The annotator answered ${response.status}.`, refusal?.state);
  }
}

function parsed(text: string): { error?: string; state?: State } | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Where an image is: at most 128 pixels, or `big`, at least 256. */
export function imageAddress(id: number, big: boolean, key: string): string {
  return `/image/${id}?${big ? "large=1&" : ""}v=${key}`;
}
