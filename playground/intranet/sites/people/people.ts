/** `people`: a directory behind a log-in with a cookie. Who is signed in is forgotten with the tunnel. */
import { randomBytes } from 'node:crypto';
import type { Network } from '../../../network/network.ts';
import { HOSTS, type HostEntry } from '../../hosts.ts';
import { Visitors } from '../../visitors.ts';
import { readForm } from '../../web/form.ts';
import { html } from '../../web/html.ts';
import { page } from '../../web/page.ts';
import { type Answer, notFound, redirect, type Site, type Visit } from '../../web/site.ts';
import { ACCOUNTS, DIRECTORY } from './directory.ts';

/** Sessions of one visitor; the oldest ends first. */
const SESSION_LIMIT = 8;

const TOKEN_BYTES = 18;
const SESSION_SECONDS = 3600;

const COOKIE = 'session';

interface Session {
  readonly user: string;
  readonly expiresAt: number;
}

export class People implements Site {
  readonly host: HostEntry = HOSTS.people;
  readonly title = 'People';
  /** By token. */
  readonly #sessions: Visitors<Map<string, Session>>;

  constructor(network: Network) {
    this.#sessions = new Visitors(network, () => new Map());
  }

  answer(visit: Visit): Answer | Promise<Answer> {
    switch (visit.url.pathname) {
      case '/':
        return this.#user(visit) === undefined ? redirect('/sign-in') : this.#directory(visit);
      case '/sign-in':
        return visit.method === 'POST' ? this.#signIn(visit) : this.#form(visit);
      case '/sign-out':
        return this.#signOut(visit);
      default:
        throw notFound();
    }
  }

  #form(visit: Visit, failed = false): Answer {
    const note = html`<p class="note" role="alert">The name or the password is wrong.</p>`;
    return page(
      this,
      visit,
      'Sign in',
      html`<h1>Sign in</h1>
${failed ? note : undefined}
<form class="card" method="post" action="/sign-in">
<label for="user">User name</label>
<input id="user" name="user" autocomplete="username" maxlength="40" required>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="100" required>
<p><button>Sign in</button></p>
</form>
<p>This is a demonstration, so here is who may sign in:</p>
<ul>${[...ACCOUNTS].map(([user, password]) => html`<li><code>${user}</code> with the password <code>${password}</code></li>\n`)}</ul>`,
      { status: failed ? 403 : 200 },
    );
  }

  async #signIn(visit: Visit): Promise<Answer> {
    const form = await readForm(visit);
    const user = form.get('user') ?? '';
    const password = ACCOUNTS.get(user);
    // The passwords are printed on the page: there is nothing to be learnt from how long this takes.
    if (password === undefined || form.get('password') !== password) return this.#form(visit, true);
    const sessions = this.#sessions.of(visit.visitor);
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    sessions.set(token, { user, expiresAt: Date.now() + SESSION_SECONDS * 1000 });
    if (sessions.size > SESSION_LIMIT) {
      const [oldest] = sessions.keys();
      sessions.delete(oldest!);
    }
    return redirect('/', { 'Set-Cookie': cookie(token, SESSION_SECONDS, visit) });
  }

  async #signOut(visit: Visit): Promise<Answer> {
    await readForm(visit);
    this.#sessions.find(visit.visitor)?.delete(tokenOf(visit) ?? '');
    return redirect('/sign-in', { 'Set-Cookie': cookie('', 0, visit) });
  }

  #user(visit: Visit): string | undefined {
    const session = this.#sessions.find(visit.visitor)?.get(tokenOf(visit) ?? '');
    return session !== undefined && session.expiresAt > Date.now() ? session.user : undefined;
  }

  #directory(visit: Visit): Answer {
    return page(
      this,
      visit,
      'People',
      html`<h1>People</h1>
<form class="bar" method="post" action="/sign-out"><span>Signed in as <strong>${this.#user(visit)}</strong></span> <button>Sign out</button></form>
<div class="wide">
<table>
<thead><tr><th scope="col">Name</th><th scope="col">Works on</th><th scope="col">Room</th><th scope="col" class="number">Phone</th></tr></thead>
<tbody>
${DIRECTORY.map(({ name, work, room, phone }) => html`<tr><td>${name}</td><td>${work}</td><td>${room}</td><td class="number">${phone}</td></tr>\n`)}</tbody>
</table>
</div>`,
    );
  }
}

function cookie(value: string, seconds: number, { secure }: Visit): string {
  const parts = [`${COOKIE}=${value}`, 'Path=/', `Max-Age=${seconds}`, 'HttpOnly', 'SameSite=Lax'];
  return [...parts, ...(secure ? ['Secure'] : [])].join('; ');
}

function tokenOf({ request }: Visit): string | undefined {
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const [name, value] = pair.trim().split('=');
    if (name === COOKIE) return value;
  }
  return undefined;
}
