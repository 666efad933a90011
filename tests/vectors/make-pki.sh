#!/bin/sh
# Writes pki.json: keys, certificates and PKCS#12 files as OpenSSL 3 and NSS (libnss3-tools) make them, in base64. Not run by the tests.
set -e
out=$(cd "$(dirname "$0")" && pwd)/pki.json
cd "$(mktemp -d)"

rsa() { openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:$2 -out $1.key; }
ec() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:$2 -out $1.key; }
self() { openssl req -x509 -new -key $1.key -days 36500 -subj "$2" -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign -out $1.crt; }
# issue NAME ISSUER SUBJECT EXTENSIONS [HASH]
issue() {
  printf "$4" > $1.ext
  openssl req -new -key $1.key -subj "$3" -out $1.csr
  openssl x509 -req -in $1.csr -CA $2.crt -CAkey $2.key -CAcreateserial -days 36500 -${5:-sha256} -extfile $1.ext -out $1.crt 2> /dev/null
}
SAN='subjectAltName=DNS:gateway.example,IP:203.0.113.5,email:ops@gateway.example\n'
SIGN='keyUsage=critical,digitalSignature\n'

rsa root 2048; self root "/O=Example/CN=Root"
ec ecroot P-384; self ecroot "/O=Example/CN=EC Root"
rsa stranger 2048; self stranger "/O=Example/CN=Root"
ec sub P-256; issue sub root "/O=Example/CN=Sub" 'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n'
ec subsub P-256; issue subsub sub "/O=Example/CN=Sub of Sub" 'basicConstraints=critical,CA:TRUE\n'
ec narrow P-256; issue narrow root "/O=Example/CN=Narrow" 'basicConstraints=critical,CA:TRUE\nnameConstraints=critical,permitted;DNS:example\n'

rsa gateway 2048; issue gateway root "/O=Example/CN=gateway.example" "$SAN$SIGN"
ec ecgateway P-256; issue ecgateway sub "/O=Example/CN=gateway.example" "$SAN$SIGN"'extendedKeyUsage=1.3.6.1.5.5.7.3.17\n'
ec ec521 P-521; issue ec521 ecroot "/O=Example/CN=gateway.example" "$SAN" sha512
rsa client 2048; issue client root "/O=Example/CN=Alice" 'subjectAltName=email:alice@example.org\n'
ec ecclient P-256; issue ecclient sub "/O=Example/CN=Alice" ''
ec toodeep P-256; issue toodeep subsub "/CN=too deep" "$SAN"
ec narrowed P-256; issue narrowed narrow "/CN=narrowed" "$SAN"
ec byleaf P-256; issue byleaf gateway "/CN=by a leaf" "$SAN"
rsa short 1024; issue short root "/CN=short" "$SAN"
ec sha1 P-256; issue sha1 root "/CN=sha1" "$SAN" sha1
rsa encipher 2048; issue encipher root "/CN=encipher" "$SAN"'keyUsage=critical,keyEncipherment\n'
ec mail P-256; issue mail root "/CN=mail" "$SAN"'extendedKeyUsage=emailProtection\n'
ec critical P-256; issue critical root "/CN=critical" "$SAN"'1.2.3.4=critical,ASN1:NULL\n'
openssl genpkey -algorithm ED25519 -out ed.key; issue ed root "/CN=ed" "$SAN"

cat > ca.conf <<END
[ca]
default_ca=c
[c]
database=index.txt
default_md=sha256
default_crl_days=36500
END
touch index.txt
openssl ca -config ca.conf -keyfile root.key -cert root.crt -revoke gateway.crt 2> /dev/null
openssl ca -config ca.conf -keyfile root.key -cert root.crt -gencrl -out root.crl 2> /dev/null
openssl ca -config ca.conf -keyfile stranger.key -cert stranger.crt -gencrl -out stranger.crl 2> /dev/null

# Certificates that name where their list is, and lists: of everything, of a point, of users, of some reasons, overdue.
ec pubroot P-256; self pubroot "/O=Example/CN=Publishing Root"
POINT='crlDistributionPoints=URI:http://crl.example/a.crl,URI:http://crl.example/b.crl\n'
ec pub P-256; issue pub pubroot "/O=Example/CN=gateway.example" "$SAN$POINT"
ec pubcritical P-256; issue pubcritical pubroot "/CN=critical" "${SAN}crlDistributionPoints=critical,URI:http://crl.example/a.crl\n"
ec pubsub P-256; issue pubsub pubroot "/CN=sub" "basicConstraints=critical,CA:TRUE\n$POINT"
ec publeaf P-256; issue publeaf pubsub "/CN=leaf" "$SAN"
ec pubclient P-256; issue pubclient pubroot "/CN=Alice" ''
list() {
  printf '[ca]\ndefault_ca=c\n[c]\ndatabase=index.txt\ndefault_md=sha256\n[x]\n%b\n[p]\nfullname=URI:http://crl.example/%s.crl\n%b\n' "$2" "$3" "$4" > list.conf
  openssl ca -config list.conf -keyfile pubroot.key -cert pubroot.crt -gencrl -crlexts x -crl_lastupdate 20260101000000Z -crl_nextupdate ${5:-21260101000000Z} -out $1.crl 2> /dev/null
}
: > index.txt
list pubwhole '' a ''
list pubpoint 'issuingDistributionPoint=critical,@p' a ''
list pubother 'issuingDistributionPoint=critical,@p' other ''
list pubusers 'issuingDistributionPoint=critical,@p' a 'onlyuser=TRUE'
list pubauthorities 'issuingDistributionPoint=critical,@p' a 'onlyCA=TRUE'
list pubreasons 'issuingDistributionPoint=critical,@p' a 'onlysomereasons=keyCompromise'
list pubindirect 'issuingDistributionPoint=critical,@p' a 'indirectCRL=TRUE'
list puboverdue '' a '' 20260201000000Z

for name in client ecclient; do
  openssl rsa -in $name.key -traditional -out $name.trad 2> /dev/null || openssl ec -in $name.key -out $name.trad 2> /dev/null
  openssl pkcs8 -topk8 -in $name.key -passout pass:sesame -v2 aes-256-cbc -out $name.enc
done
for name in client ecclient gateway; do openssl pkey -in $name.key -pubout -out $name.pub; done
cat sub.crt root.crt > both.crt
p12() { openssl pkcs12 -export -inkey $2.key -in $2.crt -certfile both.crt -passout "pass:$3" -out $1.p12 $4; }
p12 modern client 'sésame ☃'
p12 ec ecclient sesame
p12 legacy client sesame '-legacy'
p12 rc2 client sesame '-legacy -certpbe PBE-SHA1-RC2-128 -keypbe PBE-SHA1-2DES'
p12 des3 client sesame '-certpbe DES-EDE3-CBC -keypbe DES-EDE3-CBC -macalg sha512'
p12 empty client ''
p12 plain client sesame '-certpbe NONE -keypbe NONE'
p12 gateway gateway sesame '-name gateway'
# NSS writes BER: indefinite lengths, octet strings in pieces.
mkdir nss
printf sesame > pass
certutil -N -d sql:nss --empty-password
pk12util -i legacy.p12 -d sql:nss -w pass > /dev/null
pk12util -o nss.p12 -n 'Alice - Example' -d sql:nss -w pass > /dev/null

{
  printf '{\n  "source": "tests/vectors/make-pki.sh with %s and NSS %s"' "$(openssl version | cut -d' ' -f1,2)" "$(dpkg-query -W -f '${Version}' libnss3-tools | sed 's/.*://; s/-.*//')"
  for file in *.crt *.crl *.trad *.enc *.pub *.p12; do
    case $file in both.crt) continue ;; esac
    printf ',\n  "%s": "%s"' $file "$(base64 -w0 < $file)"
  done
  for name in client ecclient ec521 gateway ecgateway pub pubclient; do printf ',\n  "%s.key": "%s"' $name "$(base64 -w0 < $name.key)"; done
  printf '\n}\n'
} > "$out"
