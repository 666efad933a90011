/** Recordings of simulated sessions. */
import { Inspector } from '../../shared/inspect/inspector.ts';
import type { PacketField, PacketRow } from '../../shared/inspect/view.ts';
import type { Tap } from '../../shared/vpn/tap.ts';
import { type SessionOptions, simulateSession } from './simulated-session.ts';

/** When virtual time begins, as `Date` counts. */
const RECORDING_START = Date.UTC(2026, 0, 1);

/** An inspector that recorded a session from beginning to end. */
export async function recordSession(options: SessionOptions = {}): Promise<Inspector> {
  let inspector: Inspector | undefined;
  await simulateSession((now) => {
    inspector = new Inspector(() => RECORDING_START + now());
    inspector.record(true);
    return inspector.tap as Tap;
  }, options);
  return inspector!;
}

export function allRows(inspector: Inspector): readonly PacketRow[] {
  return inspector.page({ text: '', limit: 500 }).rows;
}

/** Every field of a packet, those inside others too. */
export function* everyField(fields: readonly PacketField[]): Generator<PacketField> {
  for (const field of fields) {
    yield field;
    yield* everyField(field.fields);
  }
}
