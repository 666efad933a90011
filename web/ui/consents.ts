/** What the user allowed a gateway beyond what is allowed everywhere: today PAP alone, which hands it the password itself. */
import {
  type DecisionStorage,
  decodeGatewayKey,
  type GatewayKey,
  StoredList,
} from './stored-list.ts';

export class Consents extends StoredList<GatewayKey> {
  constructor(storage: DecisionStorage | undefined) {
    super(storage, 'culvert.allow-pap', decodeGatewayKey);
  }

  has(gateway: GatewayKey): boolean {
    return this.find(gateway) !== undefined;
  }
}
