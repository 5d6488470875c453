"""A zone with every type and value shape, for the tests that compare ways to read and to write it."""

OCTODNS = r"""---
'':
  - {type: A, ttl: 300, values: [192.0.2.1, 192.0.2.2]}
  - {type: CAA, values: [{tag: issue, value: ca.test}, {flags: 128, tag: issuewild, value: "ca.test; policy=ev"}]}
  - {type: MX, values: [{preference: 10, exchange: m.test.}, {priority: '20', value: n.test.}]}
  - {type: NS, ttl: '3600', values: [ns1.test., ns2.test.]}
'*': {type: AAAA, value: 2001:db8::1}
_sip._tcp: {type: SRV, value: {priority: 0, weight: 1, port: 5060, target: sip.test.}}
_uri._tcp: {type: URI, value: {priority: 1, weight: 2, target: 'https://x.test/'}}
_x._tcp: {type: SRV, value: {priority: 0, weight: 0, port: 0, target: .}}
10: {type: PTR, values: [a.test., b.test.]}
alpha: &alpha {type: A, ttl: 60, value: 192.0.2.3}
anchored: *alpha
merged: {<<: *alpha, value: 192.0.2.4}
bücher: {type: CNAME, value: faß.test.}
dname: {type: DNAME, value: other.test.}
ds:
  - {type: NS, value: ns.ds.test.}
  - type: DS
    values:
      - {key_tag: 60485, algorithm: 5, digest_type: 1, digest: 2BB183AF5F22588179A53B0A98631FAD1A292118}
      - {flags: 60486, protocol: 5, algorithm: 1, public_key: 2bb183af5f22588179a53b0a98631fad1a292119}
excluded: {type: A, value: 192.0.2.5, octodns: {excluded: [skulldns]}}
here: {type: A, value: 192.0.2.6, octodns: {included: [skulldns, other], lenient: true}}
https:
  - type: HTTPS
    values:
      - {svcpriority: 0, targetname: alias.test.}
      - svcpriority: 1
        targetname: .
        svcparams: {alpn: [h3, h2], no-default-alpn: , port: 8443, ipv4hint: [192.0.2.1]}
ignored: {type: A, value: 192.0.2.7, octodns: {ignored: true}}
included: {type: A, value: 192.0.2.8, octodns: {included: [other]}}
loc:
  type: LOC
  value: {lat_degrees: 49, lat_minutes: 53, lat_seconds: 4.3, lat_direction: N, long_degrees: 97, long_minutes: 8,
          long_seconds: 30, long_direction: W, altitude: -2.5, size: 10, precision_horz: 1000, precision_vert: 2}
naptr:
  type: NAPTR
  values:
    - {order: 1, preference: 2, flags: u, service: E2U+sip, regexp: '!^.*$!sip:ops@test!', replacement: .}
    - {order: 2, preference: 2, flags: S, service: , regexp: , replacement: s.test.}
openpgp: {type: OPENPGPKEY, value: AQIDBAUGBwg=}
sshfp: {type: SSHFP, value: {algorithm: 1, fingerprint_type: 1, fingerprint: bf6b6825d2977c511a475bbefb88aad54a92ac73}}
spf: {type: SPF, value: v=spf1 -all}
svcb: {type: SVCB, value: {svcpriority: 1, targetname: s.test., svcparams: {key667: hello}}}
tlsa:
  type: TLSA
  value: {certificate_usage: 3, selector: 1, matching_type: 1, certificate_association_data: HASH}
txt:
  type: TXT
  values: ['v=DKIM1\; p=x', 'say "yes" now', LONG, '"in quotes"', '\;']
UPPER.Case: {type: A, value: 192.0.2.9}
""".replace("LONG", "x" * 600).replace("HASH", "ab" * 32)

OURS = r"""
afs: {type: AFSDB, value: 1 afs.test.}
both:
  - {type: A, value: 192.0.2.1}
  - {type: A, value: 192.0.2.2, skulldns: {view: inside}}
cert: {type: CERT, value: PKIX 1 0 AQIDBA==}
hinfo: {type: HINFO, value: '"LASER" "POST SCRIPT"'}
ns1: {type: A, value: 192.0.2.53, skulldns: {reserved: true}}
odd\.label: {type: A, value: 192.0.2.10}
rp: {type: RP, value: ops.test. txt.test.}
strings: {type: TXT, values: [{strings: [one, two]}, 'back\\slash', '\000\255', '', '"']}
unknown: {type: TYPE65280, value: '\# 4 0A000001'}
'012': {type: A, value: 192.0.2.12}
'no': {type: A, value: 192.0.2.13}
"""
