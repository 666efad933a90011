/**
 * A packet's layers as a tree of which only some branches are open: the lines on the screen, and what a key does there.
 * Keys as in the ARIA Authoring Practices Guide, pattern “Tree View”.
 */
import type { PacketField, PacketLayer } from '../../../shared/inspect/view.ts';

export interface TreeLine {
  /** The way to it: positions from the layer down, `2.0.5`. */
  readonly path: string;
  /** 1 for a layer. */
  readonly level: number;
  /** Its place among its siblings, from 1, and how many there are. */
  readonly position: number;
  readonly siblings: number;
  readonly field: PacketField;
  /** Which of the packet's buffers it lies in. */
  readonly buffer: number;
  readonly isOpen: boolean;
}

/** The lines that are visible while the branches at `open` are open. */
export function treeLines(
  layers: readonly PacketLayer[],
  open: ReadonlySet<string>,
): readonly TreeLine[] {
  return layers.flatMap((layer, index) =>
    linesOf(layer, {
      path: `${index}`,
      level: 1,
      position: index + 1,
      siblings: layers.length,
      buffer: layer.buffer,
    }),
  );

  function linesOf(field: PacketField, place: Omit<TreeLine, 'field' | 'isOpen'>): TreeLine[] {
    const isOpen = open.has(place.path);
    const line: TreeLine = { ...place, field, isOpen };
    if (!isOpen) return [line];
    const inner = field.fields.flatMap((child, index) =>
      linesOf(child, {
        ...place,
        path: `${place.path}.${index}`,
        level: place.level + 1,
        position: index + 1,
        siblings: field.fields.length,
      }),
    );
    return [line, ...inner];
  }
}

/** What a key does. */
export type TreeMove =
  | { readonly kind: 'focus'; readonly path: string }
  | { readonly kind: 'toggle'; readonly path: string };

/** `undefined` for a key that does nothing there. */
export function treeMove(
  lines: readonly TreeLine[],
  path: string,
  key: string,
): TreeMove | undefined {
  const at = lines.findIndex((line) => line.path === path);
  const line = lines[at];
  if (line === undefined) return undefined;
  const focus = (to: TreeLine | undefined): TreeMove | undefined =>
    to && { kind: 'focus', path: to.path };
  const canOpen = line.field.fields.length > 0;
  switch (key) {
    case 'ArrowDown':
      return focus(lines[at + 1]);
    case 'ArrowUp':
      return focus(lines[at - 1]);
    case 'Home':
      return focus(lines[0]);
    case 'End':
      return focus(lines.at(-1));
    case 'ArrowRight':
      if (!canOpen) return undefined;
      return line.isOpen ? focus(lines[at + 1]) : { kind: 'toggle', path };
    case 'ArrowLeft':
      if (line.isOpen) return { kind: 'toggle', path };
      return focus(lines.find((each) => each.path === path.replace(/\.?[^.]*$/, '')));
    case 'Enter':
    case ' ':
      return canOpen ? { kind: 'toggle', path } : undefined;
    default:
      return undefined;
  }
}
