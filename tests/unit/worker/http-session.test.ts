/** What is mended of libcurl.js's session, on one that counts as it does. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type HttpSession, mended } from '../../../web/worker/http-session.ts';

/** Called after it was closed, as libcurl.js does with a null pointer. */
let stray: number;

/** libcurl.js 0.7.4 without its WebAssembly: requests end when the test says so. */
class CountingSession implements HttpSession {
  active_requests = 0;
  event_loop: ReturnType<typeof setInterval> | null = null;
  last_request_id = 0;
  request_callbacks: Record<number, unknown> = {};
  #open = true;
  readonly removed: number[] = [];

  create_request(): number {
    const id = this.last_request_id++;
    this.request_callbacks[id] = {};
    return 1000 + id;
  }

  begin(): number {
    const pointer = this.create_request();
    this.active_requests++;
    this.event_loop ??= setInterval(() => this.#turn(), 4);
    return pointer;
  }

  /** libcurl's own word that a request has ended. */
  end(pointer: number): void {
    this.active_requests--;
    delete this.request_callbacks[pointer - 1000];
    this.remove(pointer);
  }

  remove(pointer: number): void {
    setTimeout(() => this.remove_request_now(pointer), 1);
  }

  remove_request_now(pointer: number): void {
    this.removed.push(pointer);
  }

  close(): void {
    setTimeout(() => this.close_now(), 1);
  }

  close_now(): void {
    this.#open = false;
  }

  async fetch(): Promise<Response> {
    throw new Error('not in this test');
  }

  #turn(): void {
    if (!this.#open) stray++;
    if (this.active_requests > 0) return;
    clearInterval(this.event_loop!);
    this.event_loop = null;
  }
}

let session: CountingSession;

beforeEach(() => {
  vi.useFakeTimers();
  stray = 0;
  session = new (mended(CountingSession))() as CountingSession;
});

afterEach(() => {
  vi.useRealTimers();
});

test('the timer stops once every request has ended or was aborted, and each is counted once', () => {
  const [ended, aborted, open] = [session.begin(), session.begin(), session.begin()];
  session.end(ended);
  session.remove(aborted);
  vi.advanceTimersByTime(20);
  expect(session.active_requests).toBe(1);
  expect(session.event_loop).not.toBeNull();
  session.end(open);
  vi.advanceTimersByTime(20);
  expect(session.active_requests).toBe(0);
  expect(session.event_loop).toBeNull();
  expect(session.removed).toEqual([ended, aborted, open]);
});

test('a request that ends while its removal waits is counted once', () => {
  const pointer = session.begin();
  session.remove(pointer);
  session.end(pointer);
  vi.advanceTimersByTime(20);
  expect(session.active_requests).toBe(0);
});

test('a closed session is left alone, whatever was under way', () => {
  session.begin();
  session.close();
  vi.advanceTimersByTime(100);
  expect(stray).toBe(0);
});
