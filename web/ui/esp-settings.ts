/** What the user knows about gateways' ESP: settings that no negotiation finds, kept for each gateway. */
import type { EspSettings } from '../worker/api.ts';
import {
  type DecisionStorage,
  decodeGatewayKey,
  type GatewayKey,
  StoredList,
} from './stored-list.ts';

export const PLAIN_ESP: EspSettings = { truncatedSha256: false, extendedSequenceNumbers: false };

export class EspSettingsList extends StoredList<GatewayKey & EspSettings> {
  constructor(storage: DecisionStorage | undefined) {
    super(storage, 'culvert.esp-settings', decodeSettings);
  }

  of(gateway: GatewayKey): EspSettings {
    const { truncatedSha256, extendedSequenceNumbers } = this.find(gateway) ?? PLAIN_ESP;
    return { truncatedSha256, extendedSequenceNumbers };
  }

  change(gateway: GatewayKey, change: Partial<EspSettings>): void {
    const settings = { ...this.of(gateway), ...change };
    if (settings.truncatedSha256 || settings.extendedSequenceNumbers)
      this.put({ ...gateway, ...settings });
    else this.remove(gateway);
  }
}

function decodeSettings(value: unknown): (GatewayKey & EspSettings) | undefined {
  const key = decodeGatewayKey(value);
  const { truncatedSha256, extendedSequenceNumbers } = (value ?? {}) as Partial<EspSettings>;
  const known =
    typeof truncatedSha256 === 'boolean' && typeof extendedSequenceNumbers === 'boolean';
  return key && known ? { ...key, truncatedSha256, extendedSequenceNumbers } : undefined;
}
