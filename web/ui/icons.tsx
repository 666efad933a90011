/** The page's drawings, inline so that they follow the theme's colours. All are decorative. */
import type { ComponentChildren, VNode } from 'preact';

/** A culvert: two arches under the road, water running out of them. */
export function Wordmark(): VNode {
  return (
    <span class="wordmark">
      <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
        <rect class="wordmark-plate" width="32" height="32" rx="8" />
        <g class="wordmark-lines">
          <path d="M6.5 20.5v-3.2a9.5 9.5 0 0 1 19 0v3.2" />
          <path d="M11.5 20.5v-3a4.5 4.5 0 0 1 9 0v3" />
          <path d="M5 25.6q2.75-2.2 5.5 0t5.5 0 5.5 0 5.5 0" />
        </g>
      </svg>
      Culvert
    </span>
  );
}

function Icon({ children }: { readonly children: ComponentChildren }): VNode {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export function TabIcon(): VNode {
  return (
    <Icon>
      <rect x="3" y="4.5" width="18" height="15" rx="2.5" />
      <path d="M3 9h18M6 6.8h.01M8.6 6.8h.01" />
    </Icon>
  );
}

export function RelayIcon(): VNode {
  return (
    <Icon>
      <path d="M4 9h13l-3.5-3.5M20 15H7l3.5 3.5" />
    </Icon>
  );
}

export function GatewayIcon(): VNode {
  return (
    <Icon>
      <rect x="4" y="4" width="16" height="7" rx="2" />
      <rect x="4" y="13" width="16" height="7" rx="2" />
      <path d="M7.5 7.5h.01M7.5 16.5h.01M11 7.5h5.5M11 16.5h5.5" />
    </Icon>
  );
}

export function LockIcon(): VNode {
  return (
    <Icon>
      <rect x="5" y="10.5" width="14" height="9.5" rx="2.5" />
      <path d="M8 10.5V8a4 4 0 0 1 8 0v2.5" />
    </Icon>
  );
}

export function CheckIcon(): VNode {
  return (
    <Icon>
      <path d="m6 12.5 4 4 8-9" />
    </Icon>
  );
}

export function CrossIcon(): VNode {
  return (
    <Icon>
      <path d="m7 7 10 10M17 7 7 17" />
    </Icon>
  );
}

export function AlertIcon(): VNode {
  return (
    <Icon>
      <path d="M12 4 2.8 20h18.4zM12 10v4.5M12 17.3h.01" />
    </Icon>
  );
}
