/** The sign-in form's fields, and what fills them without typing: the playground's account, and the gateway of a link. */
import { type Signal, useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Visit } from './playground.ts';
import type { Portal } from './portal.ts';
import type { SignIn } from './validation.ts';
import type { WeakRefs } from './weak-refs.ts';

export interface SignInFields extends WeakRefs {
  readonly gateway: RefObject<HTMLSelectElement>;
  readonly preSharedKey: RefObject<HTMLInputElement>;
  readonly files: RefObject<HTMLInputElement>;
  readonly userName: RefObject<HTMLInputElement>;
  readonly password: RefObject<HTMLInputElement>;
}

const TYPED = ['preSharedKey', 'userName', 'password'] as const;

/** What is in the fields. */
export function readFields(fields: SignInFields): Omit<SignIn, 'keys' | 'weak'> {
  const value = (field: 'gateway' | (typeof TYPED)[number]): string =>
    fields[field].current?.value ?? '';
  return {
    gateway: value('gateway'),
    preSharedKey: value('preSharedKey'),
    userName: value('userName'),
    password: value('password'),
  };
}

export interface Filler {
  /** The gateway that is chosen; '' while none is. */
  readonly chosen: Signal<string>;
  /** Somebody chose or typed. */
  changed(): void;
}

/**
 * Chooses the gateway of the link, else the playground, once the list is there; and keeps the playground's account in the
 * fields for as long as it is chosen and nobody has typed anything of their own.
 */
export function useFiller(portal: Portal, fields: SignInFields): Filler {
  const chosen = useSignal('');
  const filled = useRef<Visit | undefined>(undefined);
  const list = portal.gateways.value;
  const link = portal.link.value;
  const visit = portal.visit.value;

  function changed(): void {
    chosen.value = fields.gateway.current?.value ?? '';
    const form = readFields(fields);
    const isOurs = TYPED.every((field) => form[field] === (filled.current?.[field] ?? ''));
    if (!isOurs) return;
    filled.current = chosen.value !== '' && chosen.value === portal.playground ? visit : undefined;
    for (const field of TYPED) {
      const input = fields[field].current;
      if (input !== null) input.value = filled.current?.[field] ?? '';
    }
  }

  useLayoutEffect(() => {
    const select = fields.gateway.current;
    if (select === null || list.kind !== 'loaded') return;
    const wanted = link?.gateway ?? portal.playground;
    if (wanted !== undefined && list.gateways.some(({ id }) => id === wanted))
      select.value = wanted;
    changed();
  }, [list, link]);
  useLayoutEffect(changed, [visit]);

  return { chosen, changed };
}
