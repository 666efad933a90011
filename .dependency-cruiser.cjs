/**
 * Who may import whom; `npm run boundaries` checks it. Type imports count as imports. Tests and scripts are
 * outside: they stack and take apart what they like.
 */

/** What every layer of the core may use: the bytes, the errors, the two contracts. */
const OPEN_TO_LAYERS = '^shared/(wire/|errors[.]ts$|crypto/suite[.]ts$|esp/engine[.]ts$)';

module.exports = {
  forbidden: [
    {
      name: 'layers-are-siblings',
      comment:
        'A protocol layer knows neither the one above nor the one below; shared/vpn stacks them.',
      severity: 'error',
      from: {
        path: '^shared/(esp|l2tp|ppp|ip|relay|crypto|pki)/',
        pathNot: '^shared/crypto/noble[.]ts$',
      },
      to: { path: '^shared/', pathNot: ['^shared/$1/', OPEN_TO_LAYERS] },
    },
    {
      name: 'reference-suite',
      comment:
        'The reference suite hands out the reference ESP engine, as the WebAssembly suite does its own.',
      severity: 'error',
      from: { path: '^shared/crypto/noble[.]ts$' },
      to: {
        path: '^shared/',
        pathNot: ['^shared/crypto/', '^shared/esp/reference[.]ts$', OPEN_TO_LAYERS],
      },
    },
    {
      name: 'ike-is-a-sibling',
      comment:
        'isakmp (codecs) and ike (exchanges) are one layer, over keys and certificates (pki).',
      severity: 'error',
      from: { path: '^shared/(isakmp|ike)/' },
      to: { path: '^shared/', pathNot: ['^shared/(isakmp|ike|pki)/', OPEN_TO_LAYERS] },
    },
    {
      name: 'wire-is-the-ground',
      comment: 'What every layer stands on stands on nothing.',
      severity: 'error',
      from: { path: '^shared/(wire/|errors[.]ts$)' },
      to: { pathNot: '^shared/wire/' },
    },
    {
      name: 'contracts-are-small',
      comment: 'The contracts open to all layers open no back door to one of them.',
      severity: 'error',
      from: { path: '^shared/(crypto/suite|esp/engine)[.]ts$' },
      to: { pathNot: OPEN_TO_LAYERS },
    },
    {
      name: 'inspector-only-looks',
      comment:
        'It reads what the layers put on the wire by their numbers and codecs; it runs none of their machines.',
      severity: 'error',
      from: { path: '^shared/inspect/' },
      to: {
        path: '^shared/(ike|crypto|esp|vpn)/',
        pathNot: '^shared/(esp/engine|vpn/tap)[.]ts$',
      },
    },
    {
      name: 'nobody-needs-the-inspector',
      comment: 'The tunnel knows the tap, not who listens there.',
      severity: 'error',
      from: { path: '^shared/', pathNot: '^shared/inspect/' },
      to: { path: '^shared/inspect/' },
    },
    {
      name: 'packet-view-is-plain',
      comment: 'What the page may know of a packet opens no way to what took it apart.',
      severity: 'error',
      from: { path: '^shared/inspect/view[.]ts$' },
      to: { pathNot: '^shared/wire/' },
    },
    {
      name: 'core-knows-no-shell',
      comment: 'The core does no I/O and does not know who drives it.',
      severity: 'error',
      from: { path: '^shared/' },
      to: { pathNot: ['^shared/', '(^|/)node_modules/'] },
    },
    {
      name: 'core-packages',
      comment: 'Two families of npm packages are audited for the core.',
      severity: 'error',
      from: { path: '^shared/' },
      to: {
        path: '(^|/)node_modules/',
        pathNot: '(^|/)node_modules/(@noble/|@leichtgewicht/dns-packet/)',
      },
    },
    {
      name: 'relay-knows-no-keys',
      comment: 'The relay is a courier: frames and bytes are all it can import.',
      severity: 'error',
      from: { path: '^relay/' },
      to: {
        path: '^(shared|web|wasm|dial|playground|tests|scripts)/',
        pathNot: '^shared/(relay|wire)/',
      },
    },
    {
      name: 'relay-packages',
      comment: 'A WebSocket server and a schema validator; no cryptography.',
      severity: 'error',
      from: { path: '^relay/' },
      to: { path: '(^|/)node_modules/', pathNot: '(^|/)node_modules/(ws|@types/ws|ajv)/' },
    },
    {
      name: 'relay-is-a-program',
      comment: 'Relay, command-line client and playground are started, not imported.',
      severity: 'error',
      from: { path: '^(shared|wasm|web|dial|relay|playground)/' },
      to: {
        path: '^(relay|dial|playground)/',
        pathNot: '^$1/',
      },
    },
    {
      name: 'wasm-implements-contracts',
      comment:
        'The WebAssembly loader knows the interfaces it implements, as types, and the bytes.',
      severity: 'error',
      from: { path: '^wasm/' },
      to: {
        path: '^(shared|web|relay|dial|tests|scripts)/',
        pathNot: '^shared/(wire/|crypto/suite[.]ts$|esp/engine[.]ts$)',
      },
    },
    {
      name: 'wasm-imports-contracts-as-types',
      comment: 'Nothing of the core runs inside the WebAssembly loader.',
      severity: 'error',
      from: { path: '^wasm/' },
      to: {
        path: '^shared/(crypto/suite|esp/engine)[.]ts$',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'page-knows-no-core',
      comment:
        'Keys and protocols live in the worker; the page knows the words for errors, the API’s types and a packet’s.',
      severity: 'error',
      from: { path: '^web/ui/' },
      to: {
        path: '^(shared|wasm)/',
        pathNot: '^shared/(wire/|errors[.]ts$|inspect/view[.]ts$)',
      },
    },
    {
      name: 'page-talks-to-the-api',
      comment: 'The worker is started by its URL and spoken to over comlink, never imported.',
      severity: 'error',
      from: { path: '^web/ui/' },
      to: { path: '^web/worker/', pathNot: '^web/worker/api[.]ts$' },
    },
    {
      name: 'worker-knows-no-page',
      severity: 'error',
      from: { path: '^web/worker/' },
      to: { path: '^web/ui/' },
    },
    {
      name: 'playground-is-a-program',
      comment: 'Nothing of Culvert needs the playground.',
      severity: 'error',
      from: { path: '^(shared|wasm|web|dial|relay)/' },
      to: { path: '^playground/' },
    },
    {
      name: 'network-knows-no-service',
      comment: 'The switch and its hosts carry packets for whoever is on them.',
      severity: 'error',
      from: { path: '^playground/network/' },
      to: {
        path: '^(shared|wasm|web|dial|relay|playground)/',
        pathNot: '^(playground/network/|shared/(ip|wire)/|shared/errors[.]ts$)',
      },
    },
    {
      name: 'intranet-knows-no-tunnel',
      comment: 'The hosts behind the gateway know nothing of how a visitor came.',
      severity: 'error',
      from: { path: '^playground/intranet/' },
      to: {
        path: '^(shared|wasm|web|dial|relay|playground)/',
        pathNot: '^(playground/(intranet|network)/|shared/(ip|wire)/)',
      },
    },
    {
      name: 'gateway-is-a-machine',
      comment:
        'Of the playground’s gateway only its UDP server does I/O; it knows the network as an interface.',
      severity: 'error',
      from: { path: '^playground/gateway/', pathNot: '^playground/gateway/udp-server[.]ts$' },
      to: {
        pathNot: ['^shared/', '^playground/gateway/', '^playground/network/network[.]ts$'],
      },
    },
    {
      name: 'no-circles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'A file that nobody imports and that imports nobody is left over.',
      severity: 'error',
      from: {
        orphan: true,
        pathNot: ['[.](json|d[.]ts)$', '^web/public/', '^playground/intranet/assets/'],
      },
      to: {},
    },
    {
      name: 'nothing-unresolved',
      severity: 'error',
      from: {},
      // The bundler's own suffixes: `?url` and the like.
      to: { couldNotResolve: true, pathNot: '[?](url|worker|raw)$' },
    },
    {
      name: 'declared-packages',
      comment: 'What runs must be in package.json.',
      severity: 'error',
      from: { path: '^(shared|relay|wasm|web|dial|playground)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(wasm/assembly|wasm/build|web/public)/|[.]css$|[.]wasm($|[?])' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.cjs', '.json', '.d.ts'],
    },
  },
};
