/**
 * SoftEther's configuration file for an L2TP/IPsec gateway with one hub, two users and a TAP device as the
 * network behind it. Written before the start; the server rewrites the file itself later.
 */

export interface SoftEtherSettings {
  readonly preSharedKey: string;
  /** A concrete address, or `0.0.0.0`: the server behaves differently with each. */
  readonly listenAddress: string;
}

/** Users of the gateway, with the hashes that SoftEther keeps of their passwords. */
export const USERS = {
  alice: {
    password: 'alicepw',
    /** MD4 of the password in UTF-16LE: what MS-CHAPv2 proves knowledge of. */
    ntHash: 'bXnlTPx+6bAoW/v+rMBIxQ==',
    hash: 'HojyYrp1eNEZ5O33WG4bYNCbIEU=',
  },
  bob: {
    password: 'bobpw',
    ntHash: 'wIBqPoSIwEXSow/w/XUSMw==',
    hash: 'JQpy5+WUHdnFc57qTad2kkhgBSE=',
  },
} as const;

/** The hub's name, and with it the TAP device's. */
const HUB = 'TEST';
const TAP = 'se';
export const TAP_INTERFACE = `tap_${TAP}`;
/** The host behind the gateway: web server and name server. */
export const INTRANET_ADDRESS = '10.30.0.1';
export const INTRANET_DOMAIN = 'test.lan';
/** The gateway's end of the PPP link. */
const PPP_ADDRESS = '10.30.0.254';
/** Of an administrator who never signs in. */
const ADMINISTRATOR_HASH = '+WzqGYrR3VYXrAhKPZLGEHcIwO8=';

/** A folder of the configuration: further folders, or values written as `TYPE NAME VALUE`. */
interface Folder {
  readonly [name: string]: string | boolean | number | Folder;
}

export function softEtherConfig({ preSharedKey, listenAddress }: SoftEtherSettings): string {
  return render('root', {
    DDnsClient: { Disabled: true },
    IPsec: {
      EtherIP_IPsec: false,
      IPsec_Secret: preSharedKey,
      L2TP_DefaultHub: HUB,
      L2TP_IPsec: true,
      L2TP_Raw: true,
    },
    ListenerList: { Listener0: { DisableDos: true, Enabled: true, Port: 5555 } },
    LocalBridgeList: {
      DoNotDisableOffloading: false,
      LocalBridge0: {
        DeviceName: TAP,
        HubName: HUB,
        LimitBroadcast: false,
        MonitorMode: false,
        NoPromiscuousMode: false,
        TapMacAddress: '5E-00-53-00-00-01',
        TapMode: true,
      },
    },
    ServerConfiguration: {
      AutoSaveConfigSpan: 86_400,
      DisableDeadLockCheck: true,
      DisableDosProtection: true,
      DisableGetHostNameWhenAcceptTcp: true,
      DisableIPsecAggressiveMode: false,
      DisableIPv6Listener: true,
      DisableJsonRpcWebApi: true,
      DisableNatTraversal: true,
      DontBackupConfig: true,
      EnableVpnAzure: false,
      'byte HashedPassword': ADMINISTRATOR_HASH,
      ListenIP: listenAddress,
      NoHighPriorityProcess: true,
      PortsUDP: '$',
      SaveDebugLog: false,
      UseKeepConnect: false,
      UsernameHubSeparator: '@',
      Proto: { OpenVPN: { Enabled: false }, SSTP: { Enabled: false } },
    },
    VirtualHUB: { [HUB]: hub() },
  });
}

function hub(): Folder {
  return {
    'byte HashedPassword': ADMINISTRATOR_HASH,
    Online: true,
    Type: 0,
    LogSetting: { SavePacketLog: false, SaveSecurityLog: true },
    SecureNAT: {
      Disabled: false,
      SaveLog: false,
      VirtualDhcpServer: {
        DhcpDnsServerAddress: INTRANET_ADDRESS,
        DhcpDnsServerAddress2: '10.30.0.3',
        DhcpDomainName: INTRANET_DOMAIN,
        DhcpEnabled: true,
        DhcpExpireTimeSpan: 7_200,
        DhcpGatewayAddress: INTRANET_ADDRESS,
        DhcpLeaseIPEnd: '10.30.0.200',
        DhcpLeaseIPStart: '10.30.0.10',
        DhcpPushRoutes: '$',
        DhcpSubnetMask: '255.255.255.0',
      },
      VirtualHost: {
        VirtualHostIp: PPP_ADDRESS,
        VirtualHostIpSubnetMask: '255.255.255.0',
        VirtualHostMacAddress: '5E-00-53-00-00-FE',
      },
      VirtualRouter: { NatEnabled: false, NatMtu: 1_500, NatTcpTimeout: 1_800, NatUdpTimeout: 60 },
    },
    SecurityAccountDatabase: {
      UserList: Object.fromEntries(
        Object.entries(USERS).map(([name, { ntHash, hash }]) => [
          name,
          { 'byte AuthNtLmSecureHash': ntHash, 'byte AuthPassword': hash, AuthType: 1 },
        ]),
      ),
    },
  };
}

function render(name: string, folder: Folder, indent = ''): string {
  const inner = Object.entries(folder).map(([key, value]) => {
    if (typeof value === 'object') return render(key, value, `${indent}\t`);
    if (key.startsWith('byte ')) return `${indent}\t${key} ${value}\n`;
    const type = { boolean: 'bool', number: 'uint', string: 'string' }[typeof value as 'string'];
    return `${indent}\t${type} ${key} ${value}\n`;
  });
  return `${indent}declare ${name}\n${indent}{\n${inner.join('')}${indent}}\n`;
}
