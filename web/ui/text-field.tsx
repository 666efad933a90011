/** One labelled field with its hint and its error, tied together for assistive technology. */
import type { ComponentChildren, RefObject, VNode } from 'preact';

export interface TextFieldProps {
  readonly id: string;
  readonly label: string;
  readonly type: 'text' | 'password' | 'url';
  readonly autocomplete: string;
  readonly error: string | undefined;
  readonly inputRef: RefObject<HTMLInputElement>;
  readonly placeholder?: string;
  readonly hint?: ComponentChildren;
  readonly readOnly?: boolean;
  /** Stands at the end of the field, e.g. show and hide. */
  readonly action?: ComponentChildren;
}

export function TextField(props: TextFieldProps): VNode {
  const { id, error, hint } = props;
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <div class="field-box">
        <input
          id={id}
          name={id}
          ref={props.inputRef}
          type={props.type}
          autocomplete={props.autocomplete}
          autocapitalize="none"
          autocorrect="off"
          spellcheck={false}
          placeholder={props.placeholder}
          readOnly={props.readOnly ?? false}
          aria-invalid={error === undefined ? undefined : 'true'}
          aria-describedby={describedBy(id, error, hint)}
        />
        {props.action}
      </div>
      <FieldError id={id} error={error} />
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

export interface FieldErrorProps {
  readonly id: string;
  readonly error: string | undefined;
}

/** What is wrong with the field `id`, if anything. */
export function FieldError({ id, error }: FieldErrorProps): VNode | null {
  if (error === undefined) return null;
  return (
    <p class="field-error" id={`${id}-error`}>
      {error}
    </p>
  );
}

/** The ids of a field's error and hint, for `aria-describedby`. */
export function describedBy(id: string, error: unknown, hint?: unknown): string | undefined {
  const ids = [
    ...(error === undefined ? [] : [`${id}-error`]),
    ...(hint === undefined ? [] : [`${id}-hint`]),
  ];
  return ids.length === 0 ? undefined : ids.join(' ');
}
