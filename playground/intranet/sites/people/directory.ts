/** Who works in the demonstration company. Nobody of them exists. */

interface Person {
  readonly name: string;
  readonly work: string;
  readonly room: string;
  readonly phone: string;
}

export const DIRECTORY: readonly Person[] = [
  { name: 'Ada Fenwick', work: 'Key exchange', room: '2.01', phone: '201' },
  { name: 'Bram Oduya', work: 'Packets that come twice', room: '2.02', phone: '202' },
  { name: 'Clara Nyström', work: 'The name server', room: '2.04', phone: '204' },
  { name: 'Dev Marchetti', work: 'Round-trip times', room: '2.07', phone: '207' },
  { name: 'Ines Takahashi', work: 'Retransmission', room: '2.08', phone: '208' },
  { name: 'Juno Albrecht', work: 'Retransmission', room: '2.08', phone: '208' },
  { name: 'Moss Okafor', work: 'The coffee machine', room: '2.10', phone: '210' },
];

/** Passwords by user name. The log-in page prints them. */
export const ACCOUNTS: ReadonlyMap<string, string> = new Map([
  ['ada', 'aggressive-mode-is-off'],
  ['moss', 'decaf'],
]);
