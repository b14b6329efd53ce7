import type { ClusterImage, ClusterPage } from "./api";

const kPage = 200;
const kLargest = 1000; // The server sends so many at a time.
const kKept = 50; // Pages in memory, those looked at last.

type Load = (offset: number, count: number) => Promise<ClusterPage>;

interface Page {
  images: ClusterImage[];
  edition: number;
}

/** The images of a cluster in order, of which only those that are looked at get loaded. */
export class ImagePages {
  /** Of all images of the cluster; null until the first page is there. */
  total: number | null = null;
  private readonly pages = new Map<number, Page>();
  private readonly loading = new Map<number, Promise<void>>();
  private edition = 0;

  constructor(
    private readonly load: Load,
    private readonly changed: () => void,
  ) {}

  at(index: number): ClusterImage | undefined {
    return this.pages.get(Math.floor(index / kPage))?.images[index % kPage];
  }

  /** The cluster has changed: what is there is shown until the new is loaded. */
  outdated(): void {
    this.edition += 1;
  }

  /** Loads what of [first, last] is missing or outdated; resolves when it is there. */
  async want(first: number, last: number): Promise<void> {
    const numbers: number[] = [];
    const end = Math.floor(Math.max(first, this.total === null ? last : Math.min(last, this.total - 1)) / kPage);
    for (let number = Math.floor(first / kPage); number <= end; ++number) numbers.push(number);
    await Promise.all(numbers.map((number) => this.page(number)));
  }

  /** The ids of [first, last] as the server has them now, whether they are here or not. */
  async ids(first: number, last: number): Promise<number[]> {
    const ids: number[] = [];
    for (let offset = first; offset <= last; offset += kLargest) {
      const { images } = await this.load(offset, Math.min(kLargest, last + 1 - offset));
      for (const { id } of images) ids.push(id);
    }
    return ids;
  }

  private page(number: number): Promise<void> {
    const page = this.pages.get(number);
    if (page && page.edition === this.edition) {
      this.pages.delete(number); // Last in the map's order: looked at last.
      this.pages.set(number, page);
      return Promise.resolve();
    }
    const running = this.loading.get(number);
    if (running) return running;
    const edition = this.edition;
    const started = this.load(number * kPage, kPage)
      .then(({ total, images }) => {
        this.total = total;
        this.pages.delete(number);
        this.pages.set(number, { images, edition });
        for (const oldest of this.pages.keys()) {
          if (this.pages.size <= kKept) break;
          this.pages.delete(oldest);
        }
        this.loading.delete(number);
        this.changed();
      })
      .finally(() => this.loading.delete(number));
    this.loading.set(number, started);
    return started;
  }
}
