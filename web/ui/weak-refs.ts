/** The fields for a group's name and XAUTH: what is typed lives in them and nowhere else. */
import type { RefObject } from 'preact';
import { useRef } from 'preact/hooks';
import type { AggressiveGroup } from '../worker/api.ts';
import type { WeakField, WeakForm } from './validation.ts';

export type WeakRefs = Readonly<Record<WeakField, RefObject<HTMLInputElement>>> & {
  readonly group: RefObject<HTMLSelectElement>;
};

/** What a key exchange group is called; the advised one first. */
export const GROUPS: readonly (readonly [group: AggressiveGroup, text: string])[] = [
  [14, '2048 bits (group 14)'],
  [19, 'P-256 (group 19)'],
  [20, 'P-384 (group 20)'],
  [5, '1536 bits, old (group 5)'],
  [2, '1024 bits, old (group 2)'],
];

export function useWeakRefs(): WeakRefs {
  return {
    groupName: useRef<HTMLInputElement>(null),
    group: useRef<HTMLSelectElement>(null),
    groupConsent: useRef<HTMLInputElement>(null),
    xauthName: useRef<HTMLInputElement>(null),
    xauthPassword: useRef<HTMLInputElement>(null),
    xauthConsent: useRef<HTMLInputElement>(null),
  };
}

/** What is in the fields. A group's name goes with a pre-shared key alone. */
export function readWeak(refs: WeakRefs, usesKey: boolean): WeakForm {
  const typed = refs.group.current?.value;
  return {
    groupName: usesKey ? '' : (refs.groupName.current?.value ?? ''),
    group: GROUPS.find(([group]) => String(group) === typed)?.[0] ?? 14,
    groupConsent: refs.groupConsent.current?.checked ?? false,
    xauthName: refs.xauthName.current?.value ?? '',
    xauthPassword: refs.xauthPassword.current?.value ?? '',
    xauthConsent: refs.xauthConsent.current?.checked ?? false,
  };
}

/** Empties the password and takes both ticks away. */
export function forgetWeak({ xauthPassword, groupConsent, xauthConsent }: WeakRefs): void {
  if (xauthPassword.current !== null) xauthPassword.current.value = '';
  for (const { current } of [groupConsent, xauthConsent]) if (current) current.checked = false;
}
