/** `@rfc` and `Deviation:` in the sources' comments. */
export interface Citation {
  readonly rfc: number;
  /** e.g. `§5.5`, `appendix B.1`; empty for the whole. */
  readonly section: string;
}

/** A document, at the tag, behind a comma or called RFC; or a section of the one before. */
const PART =
  /(?:RFC |^|, )(\d{3,5})(?=[ ,.;)]|$)|(§[\w.]*\w)|(?:appendix|appendices|and) ([A-Z](?:\.\d+)*)\b/g;

/** Everything that the tags of a text cite: `@rfc 2409 §5.1 and §5.4, 2407 §4.6, RFC 4868`. */
export function citationsOf(text: string): readonly Citation[] {
  return [...text.matchAll(/@rfc ([^\n]*)/g)].flatMap(([, rest = '']) => {
    const cited: Citation[] = [];
    let rfc = 0;
    let bare = false;
    for (const [, number, section, letter] of rest.matchAll(PART)) {
      if (number !== undefined) {
        if (bare) cited.push({ rfc, section: '' });
        rfc = Number(number);
        bare = true;
      } else if (rfc !== 0) {
        cited.push({ rfc, section: section ?? `appendix ${letter}` });
        bare = false;
      }
    }
    if (bare) cited.push({ rfc, section: '' });
    return cited;
  });
}

/** The sentences that begin with `Deviation:`, each in one line. */
export function deviationsOf(text: string): readonly string[] {
  const found = text.matchAll(
    /Deviation: ([\s\S]*?)(?:\*\/|\n\s*\*?\s*\n|\n\s*\*? ?@|\n(?!\s*(?:\*|\/\/)))/g,
  );
  return [...found].map(([, words = '']) => words.replace(/\s*\n\s*(?:\*|\/\/)\s?/g, ' ').trim());
}
