/**
 * The page's entry: starts the portal where the browser has what it needs, and says what is missing where it has not. This file and what
 * it imports have to be understood by browsers that are too old for the rest.
 */
import './theme/index.css';
import { render } from 'preact';
import type { Failure } from '../../shared/errors.ts';
import { CannotStart } from './cannot-start.tsx';
import { shortcoming, startFailure } from './requirements.ts';

function show(root: HTMLElement): void {
  const tell = (failure: Failure) => {
    root.textContent = '';
    render(<CannotStart failure={failure} />, root);
  };
  const failure = shortcoming(window);
  if (failure !== undefined) tell(failure);
  else
    import('./start.tsx')
      .then(({ start }) => start(root))
      .catch((error: unknown) => tell(startFailure(error)));
}

const root = document.getElementById('portal');
if (root !== null) show(root);
