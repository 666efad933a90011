/** What is found out about one packet, layer by layer from the outside in. */
import type { Bytes } from '../wire/bytes.ts';
import { FieldBudget, FieldReader } from './field-reader.ts';
import type { PacketBuffer, PacketLayer, PacketProtocol, PacketRange } from './view.ts';

/** Most layers of a packet: what is tunnelled in itself is not followed further. */
const LAYER_LIMIT = 24;

export class Dissection {
  /** As the tab sees it: it tells who of the two speaks. */
  readonly direction: 'out' | 'in';
  readonly layers: PacketLayer[] = [];
  protocol: PacketProtocol = 'IP';
  meaning = '';
  readonly #buffers: { name: string; bytes: Bytes; masked: PacketRange[] }[] = [];
  readonly #budget = new FieldBudget();

  constructor(direction: 'out' | 'in') {
    this.direction = direction;
  }

  /** Adds the bytes that layers to come are about, and answers their number. */
  addBuffer(name: string, bytes: Bytes): number {
    this.#buffers.push({ name, bytes, masked: [] });
    return this.#buffers.length - 1;
  }

  /**
   * Adds a layer that begins at a place and ends with it, or where `read` hands over; its value is what `read` answers.
   * Whether the layer is well formed is the answer.
   */
  layer(
    name: string,
    { buffer, start, end }: Place,
    read: (reader: FieldReader) => string,
  ): boolean {
    if (this.layers.length === LAYER_LIMIT) return false;
    const { bytes, masked } = this.#buffers[buffer]!;
    const reader = new FieldReader(bytes, start, end, this.#budget, masked);
    const value = reader.guarded(read);
    this.layers.push({ name, value, start, end: reader.end, fields: reader.fields, buffer });
    return reader.fields.at(-1)?.name !== 'Malformed';
  }

  /** Says what the packet is for; what a layer further in says counts instead. */
  tell(protocol: PacketProtocol, meaning: string): void {
    this.protocol = protocol;
    this.meaning = meaning;
  }

  bytes({ buffer, start, end }: Place): Bytes {
    return this.#buffers[buffer]!.bytes.subarray(start, end);
  }

  /** The buffers, with passwords zeroed in copies. */
  get buffers(): readonly PacketBuffer[] {
    return this.#buffers.map(({ name, bytes, masked }) => {
      const copy = bytes.slice();
      for (const { start, end } of masked) copy.fill(0, start, end);
      return { name, bytes: copy, masked };
    });
  }
}

/** Bytes `[start, end)` of a packet's buffer. */
export interface Place {
  readonly buffer: number;
  readonly start: number;
  readonly end: number;
}
