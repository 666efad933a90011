/** What of the stream is acknowledged, sent, and may be sent: the send sequence space. @rfc 9293 §3.3.1 */
export class SendSpace {
  /** Oldest position not acknowledged. SND.UNA */
  una = 1;
  /** Next position to send. SND.NXT */
  nxt = 1;
  /** SND.WND, and the largest it ever was. */
  window = 0;
  maximumWindow = 0;

  /** Bytes of the window that nothing was sent into; below 0 when it was taken back. */
  get room(): number {
    return this.una + this.window - this.nxt;
  }

  /** Sequence number of a segment without data: never beyond the window, or the peer would not look at it. */
  get bareSequence(): number {
    return Math.max(this.una, Math.min(this.nxt, this.una + this.window));
  }

  offered(window: number): void {
    this.window = window;
    this.maximumWindow = Math.max(this.maximumWindow, window);
  }
}
