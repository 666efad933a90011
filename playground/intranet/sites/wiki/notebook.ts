/** Pages of the wiki as one visitor sees them: those that ship, and over them what the visitor wrote. */
import { readdirSync, readFileSync } from 'node:fs';
import { Refusal } from '../../web/site.ts';

export interface Page {
  readonly slug: string;
  readonly title: string;
  /** The title's line is not part of it. */
  readonly text: string;
  /** Whether the visitor wrote it. */
  readonly own: boolean;
}

/** Characters in one page, and pages that a visitor may have written. */
export const PAGE_LIMIT = 8192;
export const OWN_PAGES_LIMIT = 8;

const FOLDER = new URL('pages/', import.meta.url);

/** By slug; the first line of a file is the title. */
const SHIPPED: ReadonlyMap<string, Page> = new Map(
  readdirSync(FOLDER)
    .sort()
    .map((name) => {
      const slug = name.replace(/\.txt$/, '');
      const [title, ...rest] = readFileSync(new URL(name, FOLDER), 'utf8').split('\n');
      return [slug, { slug, title: title!, text: rest.join('\n').trim(), own: false }];
    }),
);

export class Notebook {
  readonly #own = new Map<string, Page>();

  page(slug: string): Page | undefined {
    return this.#own.get(slug) ?? SHIPPED.get(slug);
  }

  /** In the order of their titles. */
  get pages(): readonly Page[] {
    const all = new Map([...SHIPPED, ...this.#own]);
    return [...all.values()].sort((a, b) => a.title.localeCompare(b.title, 'en'));
  }

  /** Throws `Refusal` where that is more than is kept. */
  write(slug: string, title: string, text: string): void {
    if (title.length + text.length > PAGE_LIMIT) {
      throw new Refusal(413, `A page may have ${PAGE_LIMIT} characters, and this one has more.`);
    }
    if (!this.#own.has(slug) && this.#own.size >= OWN_PAGES_LIMIT) {
      throw new Refusal(
        403,
        `You have written ${OWN_PAGES_LIMIT} pages, which is all that is kept. Take one back first.`,
      );
    }
    this.#own.set(slug, { slug, title, text, own: true });
  }

  /** A page that ships is again as it was; another is gone. */
  takeBack(slug: string): void {
    this.#own.delete(slug);
  }

  /** Pages in which every one of the words occurs, the ones with a word in the title first. */
  search(query: string): readonly Page[] {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0) return [];
    const found = this.pages.filter(({ title, text }) => {
      const whole = `${title}\n${text}`.toLowerCase();
      return words.every((word) => whole.includes(word));
    });
    const inTitle = ({ title }: Page) => words.some((word) => title.toLowerCase().includes(word));
    return [...found.filter(inTitle), ...found.filter((each) => !inTitle(each))];
  }
}
