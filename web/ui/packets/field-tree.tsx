/** The layers and fields of a packet, to be opened, closed and pointed at. */
import type { TargetedKeyboardEvent, VNode } from 'preact';
import { useRef } from 'preact/hooks';
import { type TreeLine, treeMove } from './tree-lines.ts';

export interface FieldTreeProps {
  readonly lines: readonly TreeLine[];
  /** The path of the line that has the focus, whose bytes are marked. */
  readonly focused: string;
  readonly focus: (path: string) => void;
  readonly toggle: (path: string) => void;
}

export function FieldTree({ lines, focused, focus, toggle }: FieldTreeProps): VNode {
  const tree = useRef<HTMLDivElement>(null);

  function onKeyDown(event: TargetedKeyboardEvent<HTMLDivElement>): void {
    const move = treeMove(lines, focused, event.key);
    if (move === undefined) return;
    event.preventDefault();
    if (move.kind === 'toggle') return toggle(move.path);
    focus(move.path);
    const selector = `[data-path="${move.path}"]`;
    tree.current?.querySelector<HTMLElement>(selector)?.focus();
  }

  return (
    <div ref={tree} class="field-tree" role="tree" aria-label="Layers" onKeyDown={onKeyDown}>
      {lines.map((line) => (
        <Line
          key={line.path}
          line={line}
          isFocused={line.path === focused}
          choose={() => {
            focus(line.path);
            if (line.field.fields.length > 0) toggle(line.path);
          }}
        />
      ))}
    </div>
  );
}

interface LineProps {
  readonly line: TreeLine;
  readonly isFocused: boolean;
  readonly choose: () => void;
}

function Line({ line, isFocused, choose }: LineProps): VNode {
  const { path, level, position, siblings, field, isOpen } = line;
  const canOpen = field.fields.length > 0;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree takes the keys
    <div
      class={level === 1 ? 'tree-line is-layer' : 'tree-line'}
      role="treeitem"
      data-path={path}
      aria-level={level}
      aria-posinset={position}
      aria-setsize={siblings}
      aria-expanded={canOpen ? isOpen : undefined}
      aria-selected={isFocused}
      tabIndex={isFocused ? 0 : -1}
      style={{ '--level': level }}
      onClick={choose}
    >
      <span class="tree-name">{field.name}</span>
      {field.value !== '' && <span class="tree-value">{field.value}</span>}
    </div>
  );
}
