/**
 * libcurl.js's session, mended from outside, as its files are shipped unmodified: it forgets to count an aborted request as
 * ended. Its timer then runs for as long as the worker does, every 4 ms, and once the session is closed it hands libcurl a null
 * pointer every time. The browser reports each of these as an uncaught error of the worker.
 */

/** The part of libcurl.js's `HTTPSession` that is used or mended here; a pointer is an address in its memory. */
export interface HttpSession {
  fetch(url: string, options: Record<string, unknown>): Promise<CurlResponse>;
  close(): void;
  /** Requests that have begun and not ended; the timer stops when there is none. */
  active_requests: number;
  readonly event_loop: ReturnType<typeof setInterval> | null;
  readonly last_request_id: number;
  /** By the request's id, until it has ended. */
  readonly request_callbacks: Record<number, unknown>;
  create_request(...parts: readonly unknown[]): number;
  remove_request_now(pointer: number): void;
  close_now(): void;
}

/** Repeated headers are pairs of their own in `raw_headers`. */
export type CurlResponse = Response & { readonly raw_headers?: [string, string][] };

/** A session whose timer stops when the last request has ended or was aborted, and when it is closed. */
export function mended(Session: new () => HttpSession): new () => HttpSession {
  return class extends Session {
    readonly #ids = new Map<number, number>();

    override create_request(...parts: readonly unknown[]): number {
      const id = this.last_request_id;
      const pointer = super.create_request(...parts);
      this.#ids.set(pointer, id);
      return pointer;
    }

    override remove_request_now(pointer: number): void {
      const id = this.#ids.get(pointer);
      this.#ids.delete(pointer);
      if (id !== undefined && id in this.request_callbacks) {
        delete this.request_callbacks[id];
        this.active_requests -= 1;
      }
      super.remove_request_now(pointer);
    }

    override close_now(): void {
      clearInterval(this.event_loop ?? undefined);
      super.close_now();
    }
  };
}
