package compiler

import (
	"bytes"
	"path"
	"regexp"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/verify"
)

// mutant is one mistake that a backend could make: in the first file that matches, the first match of a pattern is
// replaced. Verify must refuse each.
type mutant struct {
	backend, example, file string
	old, new               string // regular expression, and its replacement
}

var mutants = []mutant{
	{"frr", "fra1", "fabric/*/*-tor-a.conf", `remote-as 4200000100`, `remote-as 4200000011`},
	{"frr", "fra1", "fabric/*/*-tor-a.conf", `ge 32 le 32`, `le 32`},
	{"frr", "fra1", "fabric/*/*-tor-a.conf", `neighbor FRA1_NODES route-map FRA1_FROM_NODES in\n`, ``},
	{"frr", "fra1", "fabric/*/*-tor-a.conf", `neighbor 10.10.1.11 peer-group FRA1_NODES\n`, ``},
	{"frr", "fra1", "fabric/*/*-tor-a.conf", `timers 3 9`, `timers 3 90`},
	{"frr", "fra1", "fabric/*/*-spine-1.conf", `interface:fra1-r1-tor-a@ remote-as 4200000011`, `interface:fra1-r1-tor-a@ remote-as 4200000012`},
	{"frr", "wob1", "fabric/*/*-sw.conf", ` bgp graceful-restart stalepath-time 60\n`, ``},
	{"frr", "wob1", "fabric/*/*-sw.conf", ` no bgp graceful-restart notification\n`, ``},
	{"frr", "wob1", "fabric/*/*-sw.conf", `stalepath-time 60`, `stalepath-time 0`},
	{"frr", "erf1", "fabric/*/*-spine-1.conf", `neighbor ERF1_TORS ttl-security hops 1\n`, ``},
	{"frr", "erf1", "fabric/*/*-spine-1.conf", `ttl-security hops 1`, `ttl-security hops 0`},
	{"eos", "erf1", "fabric/*/*.eos", `   neighbor ERF1_SPINES ttl maximum-hops 1\n`, ``},
	{"eos", "erf1", "fabric/*/*.eos", `10.48.0.0/14 eq 24`, `10.48.0.0/14 le 24`},
	{"nxos", "erf1", "fabric/*/*.nxos", `    ttl-security hops 1\n`, ``},
	{"nxos", "erf1", "fabric/*/*.nxos", `10.48.0.0/14 eq 24`, `10.48.0.0/14 eq 25`},
	{"sonic", "erf1", "fabric/*/*.sonic", ` neighbor ERF1_SPINES ttl-security hops 1\n`, ``},
	{"metallb", "wob1", "**/bgppeer.yaml", `enableGracefulRestart: true`, `enableGracefulRestart: false`},
	{"eos", "fra1", "fabric/*/*.eos", `remote-as 4200000100`, `remote-as 4200000101`},
	{"eos", "fra1", "fabric/*/*.eos", `route-map FRA1_FROM_NODES in`, `route-map FRA1_FROM_NODE in`},
	{"eos", "fra1", "fabric/*/*.eos", `eq 32`, `le 32`},
	{"eos", "fra1", "fabric/*/*.eos", `(neighbor FRA1_NODES) password`, `$1 pasword`},
	{"nxos", "nue1", "fabric/*/*-east-a.nxos", `remote-as 4200000700`, `remote-as 4200000701`},
	{"nxos", "nue1", "fabric/*/*-east-a.nxos", `eq 32`, `le 32`},
	{"nxos", "nue1", "fabric/*/*-east-a.nxos", `feature bfd\n`, ``},
	{"nxos", "nue1", "fabric/*/*-east-a.nxos", `interval 300 min_rx`, `interval 500 min_rx`},
	{"nxos", "nue1", "fabric/*/*-east-a.nxos", `transport connection-mode passive`, `passive`},
	{"nxos", "nue1", "fabric/*/*-spine-2.nxos", `( *)inherit peer NUE1_TORS\n`, ``},
	{"sonic", "nue1", "fabric/*/*-west-a.sonic", `ge 128 le 128`, `le 128`},
	{"sonic", "nue1", "fabric/*/*-west-a.sonic", `NUE1_FROM_NODES_V6 in`, `NUE1_FROM_NODES in`},
	{"sonic", "nue1", "fabric/*/*-west-a.sonic.json", `split-unified`, `split`},
	{"sonic", "nue1", "fabric/*/*-west-a.sonic.json", `framework_config": "true"`, `framework_config": "false"`},
	{"sonic", "nue1", "fabric/*/*-spine-1.sonic.json", `"Ethernet8"`, `"Ethernet9"`},
	{"checks", "fra1", "checks/fra1.json", `"asn":4200000100`, `"asn":4200000101`},
	{"checks", "fra1", "checks/fra1.json", `"address":"10.10.1.11"`, `"address":"10.10.1.12"`},
	{"checks", "fra1", "checks/fra1.json", `"local":"10.10.1.2"`, `"local":"10.10.1.3"`},
	{"checks", "fra1", "checks/fra1.json", `"bfd":true`, `"bfd":false`},
	{"checks", "fra1", "checks/fra1.json", `"all":6`, `"all":5`},
	{"checks", "fra1", "checks/fra1.json", `"10.112.0.0/14"`, `"10.112.0.0/15"`},
	{"checks", "fra1", "checks/fra1.json", `"address":"203.0.113.10","pool"`, `"address":"203.0.113.11","pool"`},
	{"checks", "fra1", "checks/fra1.json", `nf_conntrack_max": "524288"`, `nf_conntrack_max": "262144"`},
	{"checks", "fra1", "checks/fra1.json", `"address":"10.20.0.5"`, `"address":"10.20.0.6"`},
	{"checks", "fra1", "checks/fra1.json", `"maxOffset":"0.1"`, `"maxOffset":"1"`},
	{"checks", "fra1", "checks/fra1.json", `"nodes":\["fra1-r1-edge"\]`, `"nodes":["fra1-r2-edge"]`},
	{"checks", "fra1", "checks/fra1.json", `"names":\["r1-a",`, `"names":[`},
	{"checks", "fra1", "checks/fra1.json", `"checksVersion": 1`, `"checksVersion": 2`},
	{"checks", "fmo1", "checks/fmo1.json", `"all":3`, `"all":4`},
	{"checks", "nue1", "checks/nue1.json", `"families":\["ipv4","ipv6"\]`, `"families":["ipv4"]`},
	{"checks", "ham1", "checks/ham1.json", `"all":1`, `"all":2`},
	{"checks", "fra1", "checks/run.sh", `sysctl -n`, `sysctl -w`},
	{"checks", "fra1", "checks/run.sh", `kube get nodes`, `kube delete nodes`},
	{"checks", "fra1", "checks/run.sh", `2>/dev/null`, `>/etc/sysctl.d/x.conf`},
	{"checks", "fra1", "checks/run.sh", `frr 'show bgp neighbors json'`, `frr 'clear bgp *'`},
	{"metallb", "fra1", "**/bgppeer.yaml", `peerASN: 4200000011`, `peerASN: 4200000012`},
	{"metallb", "fra1", "**/bgppeer.yaml", `bfdProfile: \S+`, `bfdProfile: other`},
	{"metallb", "fra1", "**/bgppeer.yaml", `peerAddress: \S+`, `peerAddress: 10.10.1.1`},
	{"metallb", "fra1", "**/bgpadvertisement.yaml", `aggregationLength: 32`, `aggregationLength: 24`},
	{"metallb", "fra1", "**/bgpadvertisement.yaml", `ipAddressPools:\n    - \w+`, "ipAddressPools:\n    - nothing"},
	{"metallb", "fra1", "**/ipaddresspool.yaml", `198.51.100.16-198.51.100.23`, `198.51.100.16-198.51.100.24`},
	{"metallb", "str1", "**/ipaddresspool.yaml", `- gateway-public`, `- shop`},
	{"metallb", "str1", "**/l2advertisement.yaml", `- bond0`, `- lo`},
	{"metallb", "str1", "**/l2advertisement.yaml", `- edge`, `- worker`},
	{"metallb", "str1", "**/l2advertisement.yaml", `- public`, "- public\n    - public"},
	{"metallb", "str1", "**/l2advertisement.yaml", `- internal`, `- nothing`},
	{"metallb", "str1", "charts/*/metallb/values.yaml", `(memberlist:\n    enabled): true`, `$1: false`},
	{"frr", "sto1", "fabric/*/*-r2-a.conf", `  neighbor STO1_LINKS default-originate\n`, ``},
	{"frr", "sto1", "fabric/*/*-r2-a.conf", `10.120.2.11/32`, `10.120.2.0/24`},
	{"frr", "sto1", "fabric/*/*-r2-a.conf", `LOOPBACKS seq 5 permit 10.120.2.10/32`, `LOOPBACKS seq 5 permit 10.120.2.12/32`},
	{"frr", "sto1", "fabric/*/*-r2-a.conf", `  network 10.120.254.21/32\n`, ``},
	{"frr", "sto1", "fabric/*/*-r2-b.conf", ` neighbor STO1_NODES ebgp-multihop 2\n`, ``},
	{"frr", "sto1", "fabric/*/*-r2-b.conf", ` neighbor @interface:sto1-r2-edge@ [^\n]*\n [^\n]*\n`, ``},
	{"frr", "sto1", "fabric/*/*-r2-b.conf", `  neighbor STO1_LINKS route-map STO1_TO_LINKS out\n`, ``},
	{"metallb", "sto1", "**/bgppeer.yaml", `  ebgpMultiHop: true\n`, ``},
	{"metallb", "bru1", "**/bgppeer.yaml", `(  holdTime: 6s)`, "$1\n  keepaliveTime: 2s"},
	{"metallb", "bru1", "**/bgppeer.yaml", `(  holdTime: 6s)`, "$1\n  connectTime: 10s"},
	{"metallb", "bru1", "**/bgpadvertisement.yaml", `"65090:100"`, `"large:65090:1:100"`},
	{"metallb", "bru1", "charts/*/metallb/values.yaml", `(frrk8s:\n  enabled): false`, `$1: true`},
	{"metallb", "fra1", "charts/*/metallb/values.yaml", `(frrk8s:\n  enabled): true`, `$1: false`},
	{"metallb", "fra1", "charts/*/metallb/values.yaml", `loadBalancerClass`, `loadBalancerClas`},
	{"external", "zrh1", "charts/*/gateway-partner/values.yaml", `podAnnotations:\n.*\n`, ``},
	{"external", "zrh1", "**/30-gateways/configmap.yaml", `\\"proxyProtocol\\": \{\}`, ``},
	{"external", "zrh1", "fabric/*/lb1/etc/haproxy/haproxy.cfg", `(server zrh1-\S+ \S+ check port \d+) send-proxy-v2`, `$1`},
	{"external", "zrh1", "fabric/*/lb1/etc/haproxy/haproxy.cfg", `(?s)send-proxy-v2(.*)`, `$1`},
	{"external", "zrh1", "fabric/*/lb2/etc/haproxy/haproxy.cfg", `:30041`, `:30045`},
	{"external", "zrh1", "fabric/*/lb1/etc/haproxy/haproxy.cfg", `check port 30040`, `check port 30041`},
	{"external", "zrh1", "fabric/*/lb1/etc/haproxy/haproxy.cfg", `source 10.80.9.11`, `source 10.80.9.13`},
	{"external", "zrh1", "fabric/*/lb1/etc/haproxy/haproxy.cfg", `timeout client \d+s`, `timeout client 60s`},
	{"external", "zrh1", "fabric/*/lb1/etc/haproxy/haproxy.cfg", `    tcp-request connection reject unless allowed\n`, ``},
	{"external", "zrh1", "fabric/*/lb1/etc/haproxy/haproxy.cfg", `192.0.2.0/26`, `192.0.2.0/24`},
	{"external", "zrh1", "fabric/*/lb2/etc/haproxy/haproxy.cfg", `bind 198.51.100.66`, `bind 198.51.100.67`},
	{"external", "zrh1", "fabric/*/lb1/etc/systemd/**", `LimitNOFILE=\d+`, `LimitNOFILE=65536`},
	{"external", "zrh1", "fabric/*/lb2/etc/keepalived/keepalived.conf", `priority \d+`, `priority 150`},
	{"external", "zrh1", "fabric/*/lb2/etc/keepalived/keepalived.conf", `10.80.9.11`, `10.80.9.21`},
	{"external", "zrh1", "fabric/*/lb2/etc/keepalived/keepalived.conf", `198.51.100.66/32`, `198.51.100.67/32`},
	{"external", "zrh1", "fabric/*/lb1/etc/sysctl.d/90-meshgen.conf", `ip_nonlocal_bind = 1`, `ip_nonlocal_bind = 0`},
	{"external", "zrh1", "**/30-gateways/service.yaml", `healthCheckNodePort: 30040`, `healthCheckNodePort: 30042`},
	{"external", "zrh1", "**/networkpolicy.yaml", `10.80.9.12/32`, `10.80.9.13/32`},
	{"cilium", "ham1", "**/ciliumbgpclusterconfig.yaml", `peerASN: 4200000911`, `peerASN: 4200000912`},
	{"cilium", "ham1", "**/ciliumbgpclusterconfig.yaml", `peerAddress: 10.90.1.2`, `peerAddress: 10.90.1.3`},
	{"cilium", "ham1", "**/ciliumbgpclusterconfig.yaml", `name: east.vips.ipv4`, `name: east.vip.ipv4`},
	{"cilium", "ham1", "**/ciliumbgpclusterconfig.yaml", `- control-plane\n`, "- edge\n"},
	{"cilium", "ham1", "**/ciliumbgppeerconfig.yaml", `holdTimeSeconds: 9`, `holdTimeSeconds: 90`},
	{"cilium", "ham1", "**/ciliumbgppeerconfig.yaml", `  authSecretRef: fabric-bgp\n`, ``},
	{"cilium", "ham1", "**/ciliumbgppeerconfig.yaml", `afi: ipv4`, `afi: ipv6`},
	{"cilium", "ham1", "**/ciliumbgppeerconfig.yaml", `- node.pods`, `- node.pod`},
	{"cilium", "ham1", "**/ciliumbgppeerconfig.yaml", `(partner\n +- public\n) +- node.pods\n`, `$1`},
	{"cilium", "ham1", "**/ciliumbgpadvertisement.yaml", `LoadBalancerIP`, `ClusterIP`},
	{"cilium", "ham1", "**/ciliumbgpadvertisement.yaml", `- gateway-partner`, `- gateway-public`},
	{"cilium", "ham1", "**/ciliumloadbalancerippool.yaml", `192.0.2.64/28`, `192.0.2.80/28`},
	{"cilium", "ham1", "**/ciliumloadbalancerippool.yaml", `stop: 198.51.100.39`, `stop: 198.51.100.40`},
	{"cilium", "ham1", "**/ciliumloadbalancerippool.yaml", `operator: In`, `operator: NotIn`},
	{"cilium", "ham1", "charts/*/cilium/values.yaml", `bgpControlPlane`, `bgpControlplane`},
	{"cilium", "ham1", "charts/*/cilium/values.yaml", `(bgpControlPlane:\n +enabled:) true`, `$1 false`},
	{"cilium", "ham1", "charts/*/cilium/values.yaml", `devices: (\w+)`, "devices:\n  - $1"},
	{"cilium", "ham1", "charts/*/cilium/values.yaml", `method: cronJob`, `method: helm`},
	{"cilium", "ham1", "charts/*/cilium/values.yaml", `policyCIDRMatchMode:\n +- nodes\n`, ``},
	{"cilium", "ham1", "charts/*/cilium/values.yaml", `(egressGateway:\n +enabled:) true`, `$1 false`},
	{"cilium", "ham1", "charts/*/cilium/values.yaml", `masquerade: true`, `masquerade: false`},
	{"cilium", "ham1", "**/ciliumegressgatewaypolicy.yaml", `egressIP: 10.90.1.201`, `egressIP: 10.90.1.202`},
	{"cilium", "ham1", "**/ciliumegressgatewaypolicy.yaml", `hostname: ham1-west-edge`, `hostname: ham1-west-1`},
	{"cilium", "ham1", "**/ciliumegressgatewaypolicy.yaml", `203.0.113.80/32`, `203.0.113.80/24`},
	{"cilium", "ham1", "**/ciliumegressgatewaypolicy.yaml", `pod.namespace: shop`, `pod.namespace: stop`},
	{"cilium", "ham1", "**/ciliumegressgatewaypolicy.yaml", ` +app.kubernetes.io/name: cart\n`, ``},
	{"cilium", "ham1", "**/ciliumegressgatewaypolicy.yaml", `(?s)(egressGateways:\n.*egressIP: )10.90.1.201`, `${1}10.90.2.201`},
	{"cilium", "ham1", "charts/*/cilium/values.yaml", `10.96.0.0/14`, `10.96.0.0/15`},
	{"cilium", "ham1", "charts/*/gateway-public/values.yaml", `192.0.2.65`, `192.0.2.99`},
	{"cilium", "ham1", "charts/*/install.sh", `chart cilium kube-system`, `chart cilium cilium`},
	{"istio", "gdn1", "**/40-policy/requestauthentication.yaml", `issuer:`, `isuer:`},
	{"istio", "gdn1", "**/40-policy/requestauthentication.yaml", `issuer: \S+`, `issuer: http://login.example.net`},
	{"istio", "gdn1", "**/40-policy/authorizationpolicy.yaml", `https://login.example.net/\*`, `https://login.example.org/*`},
	{"istio", "gdn1", "**/40-policy/envoyfilter.yaml", `max_tokens: 200`, `max_tokens: 0`},
	{"istio", "gdn1", "**/40-policy/envoyfilter.yaml", `fill_interval: 1s`, `fill_interval: 1`},
	{"istio", "gdn1", "**/40-policy/envoyfilter.yaml", `local_ratelimit.v3.LocalRateLimit`, `local_ratelimit.v3.RateLimit`},
	{"istio", "gdn1", "**/40-policy/envoyfilter.yaml", `SIDECAR_INBOUND`, `SIDECAR`},
	{"istio", "gdn1", "**/40-policy/virtualservice.yaml", `value: 5`, `value: 500`},
	{"istio", "gdn1", "**/40-policy/virtualservice.yaml", `fixedDelay: 1500ms`, `fixedDelay: 1500`},
	{"gateway-api", "gdn1", "**/30-gateways/tcproute.yaml", `port: 601`, `port: 0`},
	{"gateway-api", "gdn1", "**/30-gateways/tlsroute.yaml", `sectionName: mqtts`, `sectionName: mqtt`},
	{"gateway-api", "gdn1", "**/30-gateways/tcproute.yaml", `name: public\n`, "name: publik\n"},
	{"istio", "gdn1", "charts/*/istiod-1-31-1/values.yaml", `revision: "?1-31-1"?`, `revision: 1-31-2`},
	{"istio", "gdn1", "charts/*/istio-base/values.yaml", `defaultRevision: "?1-31-0"?`, `defaultRevision: 1-31-2`},
	{"istio", "gdn1", "**/05-namespaces/namespace.yaml", `istio.io/rev: "?1-31-1"?`, `istio.io/rev: 1-31-2`},
	{"istio", "gdn1", "charts/*/helmfile.yaml", `istio-system/istiod-1-31-1\n`, "istio-system/istiod-1-31-2\n"},
	{"istio", "gdn1", "**/40-policy/workloadentry.yaml", `address: 10.130.9.20`, `address: 10.130.9`},
	{"istio", "gdn1", "**/40-policy/workloadentry.yaml", `name: warehouse\n`, "name: depot\n"},
	{"istio", "gdn1", "**/40-policy/service.yaml", `targetPort: 8080`, `targetPort: 80800`},
	{"istio", "gdn1", "charts/*/istiod*/values.yaml", `SECRET_TTL: 12h`, `SECRET_TTL: 12`},
	{"istio", "gdn1", "charts/*/istiod*/values.yaml", `PILOT_PUSH_THROTTLE: "20"`, `PILOT_PUSH_THROTTLE: "many"`},
	{"istio", "gdn1", "charts/*/istiod*/values.yaml", `gdy1.example.net`, `gdy1_example`},
	{"istio", "gdn1", "docs/*/secrets.json", `"root-cert.pem"`, `"root.pem"`},
	{"istio", "gva1", "**/30-gateways/gateway.yaml", `shop/orders.shop.svc.cluster.local`, `"*.local"`},
	{"istio", "gva1", "**/30-gateways/gateway.yaml", `shop/orders.shop`, `shops/orders.shop`},
	{"istio", "gva1", "charts/*/gateway-east/values.yaml", `topology.istio.io/network: gva1`, `topology.istio.io/network: gva2`},
	{"istio", "gva1", "charts/*/gateway-east/values.yaml", `NETWORK_VIEW: gva1`, `NETWORK_VIEW: gva2`},
	{"istio", "gva1", "charts/*/istiod/values.yaml", `clusterLocal: false`, `clusterLocal: true`},
	{"istio", "gva1", "charts/*/istiod/values.yaml", `network: gva1`, `network: gva2`},
	{"istio", "gva1", "charts/*/istiod/values.yaml", `- gva2.example.net`, `- gva3.example.net`},
	{"istio", "gva1", "**/05-namespaces/namespace.yaml", `topology.istio.io/network: gva1`, `topology.istio.io/network: gva2`},
	{"istio", "gva1", "docs/*/secrets.json", `istio-remote-secret-gva2`, `istio-remote-secret-gva3`},
	{"kubevip", "fmo1", "**/daemonset.yaml", `10.90.1.2:4200000711`, `10.90.1.2:4200000712`},
	{"kubevip", "fmo1", "**/daemonset.yaml", `true;300000;300000;3`, `true;300;300;3`},
	{"kubevip", "fmo1", "**/daemonset.yaml", `bgp_hold_time\n\s+value: "9"`, "bgp_hold_time\n              value: \"90\""},
	{"kubevip", "fmo1", "**/daemonset.yaml", `,10.90.1.3:.*`, ``},
	{"kubevip", "fmo1", "**/daemonset.yaml", `(values:\n\s+- )east`, `${1}west`},
	{"kubevip", "fmo1", "**/daemonset.yaml", `198.51.100.64/28`, `198.51.100.64/27`},
	{"kubevip", "fmo1", "**/daemonset.yaml", `\$\(MESHGEN_BGP_PASSWORD\)`, `secret`},
	{"kubevip", "lej1", "**/daemonset.yaml", `svc_election`, `svc_elections`},
	{"openelb", "osl1", "**/bgppeer.yaml", `peerAs: 65111`, `peerAs: 65112`},
	{"openelb", "osl1", "**/bgppeer.yaml", `neighborAddress: 10.100.1.2`, `neighborAddress: 10.100.1.4`},
	{"openelb", "osl1", "**/bgppeer.yaml", `holdTime: "6"`, `holdTime: "60"`},
	{"openelb", "osl1", "**/bgppeer.yaml", `holdTime: "6"`, `holdTime: 6s`},
	{"openelb", "osl1", "**/bgppeer.yaml", `(enabled: true)`, "$1\n      addPaths:\n        config:\n          sendMax: 10"},
	{"openelb", "osl1", "**/bgppeer.yaml", `(conf:)`, "$1\n    authPassword: letters"},
	{"openelb", "osl1", "**/bgppeer.yaml", `- north`, `- south`},
	{"openelb", "osl1", "**/bgpconf.yaml", `osl1-north-1: 65100`, `osl1-north-1: 65102`},
	{"openelb", "osl1", "**/bgpconf.yaml", `osl1-north-1: `, `north: `},
	{"openelb", "osl1", "**/bgpconf.yaml", `name: default`, `name: site`},
	{"openelb", "osl1", "**/bgpconf.yaml", `  asPerRack:`, "  as: 65100\n  asPerRack:"},
	{"openelb", "osl1", "**/bgpconf.yaml", `listenPort: -1`, `listenPort: 17900`},
	{"openelb", "osl1", "**/eip.yaml", `192.0.2.112/29`, `192.0.2.96/27`},
	{"openelb", "osl1", "**/eip.yaml", `protocol: bgp`, `protocol: layer2`},
	{"openelb", "osl1", "**/eip.yaml", `(protocol: bgp)`, "$1\n  namespaces:\n    - shop"},
	{"openelb", "osl1", "**/eip.yaml", `name: public.2`, `name: public.3`},
	{"openelb", "osl1", "**/node.yaml", `openelb.kubesphere.io/rack: osl1-north-2`, `openelb.kubesphere.io/rack: osl1-north-1`},
	{"openelb", "osl1", "charts/*/openelb/values.yaml", `127.0.0.1:50051`, `:50051`},
	{"openelb", "osl1", "charts/*/openelb/values.yaml", `operator: Exists`, `operator: DoesNotExist`},
	{"openelb", "osl1", "charts/*/openelb/values.yaml", `layer2: false`, `layer2: true`},
	{"openelb", "osl1", "charts/*/openelb/values.yaml", `apiHosts`, `apiHost`},
	{"openelb", "osl1", "charts/*/gateway-public/values.yaml", `192.0.2.125`, `192.0.2.113`},
	{"openelb", "osl1", "charts/*/gateway-public/values.yaml", `lb.kubesphere.io/v1alpha1: openelb`, `lb.kubesphere.io/v1alpha1: metallb`},
	{"openelb", "osl1", "charts/*/install.sh", `chart openelb openelb-system`, `chart openelb openelb`},
	{"hosts", "lej1", "hosts/*/*/etc/kubernetes/manifests/kube-vip.yaml", `name: cp_enable`, `name: svc_enable`},
	{"hosts", "tll1", "hosts/*/*/var/lib/rancher/k3s/agent/pod-manifests/kube-vip.yaml", `/etc/rancher/k3s/k3s.yaml`, `/etc/kubernetes/admin.conf`},
	{"hosts", "tll1", "hosts/*/*/var/lib/rancher/k3s/agent/pod-manifests/kube-vip.yaml", `ip: 127.0.0.1`, `ip: 10.86.1.11`},
	{"hosts", "tll1", "hosts/*/*/etc/rancher/k3s/config.yaml.d/90-meshgen.yaml", `tls-san\+:\n  - 10.86.1.5\n  - api\S+\n`, ``},
	{"hosts", "vie1", "hosts/*/r1-edge/talos-firewall.yaml", `ingress: block`, `ingress: accept`},
	{"hosts", "vie1", "hosts/*/r1-edge/talos-firewall.yaml", `- 10250`, `- 10255`},
	{"hosts", "vie1", "hosts/*/r1-edge/talos-firewall.yaml", `subnet: 0.0.0.0/0`, `subnet: 10.70.1.0/24`},
	{"hosts", "vie1", "hosts/*/r1-edge/talos-firewall.yaml", `  - subnet: 10.76.0.0/16\n`, ``},
	{"hosts", "vie1", "hosts/*/r1-edge/talos-firewall.yaml", `name: udp-4789`, `name: tcp-10250`},
	{"hosts", "vie1", "hosts/*/r1-worker/talos.yaml", `endpoint: https://`, `endpoint: http://`},
	{"hosts", "vie1", "hosts/*/r1-control-plane/talos.yaml", `  apiServer:\n    certSANs:\n      - \S+\n`, ``},
	{"flows", "fra1", "fabric/*/flows.csv", `edge,clients of gateway public[^\n]*,443,[^\n]*\n`, ``},
	{"flows", "fra1", "fabric/*/flows.csv", `(speakers of rack r1,10.10.1.11,switch \S+,10.10.1.2,tcp),179`, `$1,180`},
	{"flows", "fra1", "fabric/*/flows.csv", `(speakers of rack r1,10.10.1.11,switch \S+,10.10.1.2,udp),3784`, `$1,3785`},
	{"flows", "fra1", "fabric/*/flows.csv", `,203.0.113.10,tcp,80`, `,203.0.113.0/27,tcp,80`},
	{"flows", "fra1", "fabric/*/flows.csv", `,10.10.0.5,udp,123`, `,10.10.0.5,udp,124`},
	{"flows", "fra1", "fabric/*/flows.csv", `(service ledger/store,[^,]*,tcp),5432`, `$1,5433`},
	{"flows", "fra1", "fabric/*/flows.csv", `,10.91.0.15,tcp,1521`, `,10.91.0.16,tcp,1521`},
	{"flows", "zrh1", "fabric/*/flows.md", `\| clients of gateway partner [^\n]*\n`, ``},
	{"hosts", "ams1", "hosts/*/*/etc/meshgen/firewall.nft", `delete table inet meshgen`, `flush ruleset`},
	{"hosts", "ams1", "hosts/*/*/etc/meshgen/firewall.nft", `policy drop`, `policy accept`},
	{"hosts", "ams1", "hosts/*/*/etc/meshgen/firewall.nft", ` *tcp dport 22 accept\n`, ``},
	{"hosts", "ams1", "hosts/*/*/etc/meshgen/firewall.nft", `dport 4789`, `dport 4790`},
	{"hosts", "ams1", "hosts/*/*/etc/meshgen/firewall.nft", ` ip ttl 255`, ``},
	{"hosts", "ams1", "hosts/*/*/etc/meshgen/firewall.nft", `( *)(ip saddr \{ 10.140.1.10/32 \} tcp dport) 10250 accept`, "$1$2 10250 accept\n$1$2 2379 accept"},
	{"flows", "kun1", "fabric/*/flows.csv", `edge,routers on the way,[^\n]*\n`, ``},
	{"flows", "kun1", "fabric/*/flows.csv", `(routers on the way,any,nodes,[^,]*,)icmp`, `${1}igmp`},
	{"hosts", "kun1", "hosts/*/*/etc/meshgen/firewall.nft", ` *meta mark [^\n]*\n`, ``},
	{"hosts", "kun1", "hosts/*/*/etc/meshgen/firewall.nft", `== 0x00000200`, `== 0x00000a00`},
	{"hosts", "ams1", "hosts/*/*/etc/meshgen/firewall.nft", `( *)tcp dport 22 accept\n`, "${1}tcp dport 22 accept\n${1}meta mark & 0x00000f00 == 0x00000200 accept\n"},
	{"checks", "kun1", "checks/kun1.json", `"key":"enable-l2-announcements","value":"true"`, `"key":"enable-l2-announcements","value":"false"`},
	{"checks", "kun1", "checks/kun1.json", `"key":"routing-mode"`, `"key":"routingMode"`},
	{"checks", "kun1", "checks/kun1.json", `"configMap":"cilium-config"`, `"configMap":"cilium"`},
	{"cilium", "kun1", "**/ciliuml2announcementpolicy.yaml", `- gateway-public`, `- nobody`},
	{"checks", "kun1", "checks/kun1.json", `.*policy-cidr-match-mode.*\n`, ``},
	{"hosts", "ams1", "hosts/*/*/etc/systemd/system/meshgen-firewall.service", `delete table inet meshgen`, `flush ruleset`},
	{"hosts", "ams1", "hosts/*/r1-edge/etc/meshgen/cards.sh", `for card in eno1 eno2;`, `for card in eno1;`},
	{"hosts", "ams1", "hosts/*/r1-edge/etc/meshgen/cards.sh", `tx 2048`, `tx 4`},
	{"hosts", "ams1", "hosts/*/r1-edge/etc/meshgen/cards.sh", `    exit 1\n`, `    return 0\n`},
	{"hosts", "ams1", "hosts/*/r1-edge/etc/systemd/system/meshgen-cards.service", `After=sys-subsystem-net-devices-eno1.device `, `After=`},
	{"hosts", "ams1", "hosts/*/r1-edge/etc/systemd/system/meshgen-cards.service", `WantedBy=multi-user.target\n`, ``},
	{"hosts", "ams1", "hosts/*/r1-edge/cloud-init.yaml", `  - systemctl enable --now meshgen-cards.service\n`, ``},
	{"hosts", "ams1", "hosts/*/playbook.yaml", `name: meshgen-cards.service`, `name: chrony.service`},
	{"hosts", "rz1", "hosts/*/r1-edge/etc/meshgen/cards.sh", `echo 0000ffff`, `echo 0000fffe`},
	{"hosts", "rz1", "hosts/*/r1-edge/etc/sysctl.d/90-meshgen.conf", `rps_sock_flow_entries = 32768`, `rps_sock_flow_entries = 0`},
	{"hosts", "vie1", "hosts/*/r1-edge/talos.yaml", `name: eno2`, `name: eno1`},
	{"hosts", "vie1", "hosts/*/r1-edge/talos.yaml", `rx: 4096`, `rx: 8`},
	{"eos", "erf1", "fabric/*/*.eos", `   20 permit tcp [^\n]*\n`, ``},
	{"eos", "erf1", "fabric/*/*.eos", `host 192.0.2.97 eq 443`, `host 192.0.2.97 eq 444`},
	{"eos", "erf1", "fabric/*/*.eos", `   ip access-group ERF1_TO_VIPS in\n`, ``},
	{"eos", "erf1", "fabric/*/*.eos", `permit tcp 203.0.113.0/24`, `permit tcp any`},
	{"eos", "erf1", "fabric/*/*.eos", `   50 permit ip any any\n`, ``},
	{"eos", "erf1", "fabric/*/*.eos", `no ip access-list ERF1_TO_VIPS\n`, `no ip access-list OTHERS\n`},
	{"eos", "kie1", "fabric/*/*.eos", `ecmp resilience (\S+) capacity 16`, `ecmp resilience $1 capacity 8`},
	{"eos", "kie1", "fabric/*/*.eos", `ecmp resilience 192.0.2`, `ecmp resilience 198.51.100`},
	{"nxos", "erf1", "fabric/*/*.nxos", `  30 permit icmp [^\n]*\n`, ``},
	{"nxos", "erf1", "fabric/*/*.nxos", `deny ip any 192.0.2.96/28`, `deny ip any 192.0.2.96/27`},
	{"nxos", "erf1", "fabric/*/*.nxos", `interface Ethernet1/49\n  ip access`, "interface Ethernet1/50\n  ip access"},
	{"nxos", "erf1", "fabric/*/*.nxos", `(  20 permit tcp)`, "  15 permit ip any 192.0.2.96/28\n$1"},
	{"sonic", "erf1", "fabric/*/*.sonic.json", `"PRIORITY": "9997"`, `"PRIORITY": "9999"`},
	{"sonic", "erf1", "fabric/*/*.sonic.json", `"PACKET_ACTION": "DROP"`, `"PACKET_ACTION": "FORWARD"`},
	{"sonic", "erf1", "fabric/*/*.sonic.json", `"ports": \["Ethernet48"\]`, `"ports": ["Ethernet52"]`},
	{"sonic", "erf1", "fabric/*/*.sonic.json", `"L4_DST_PORT": "443"`, `"L4_DST_PORT": "80"`},
	{"sonic", "erf1", "fabric/*/*.sonic.json", `"type": "L3"`, `"type": "MIRROR"`},
	{"frr", "muc1", "fabric/*/*.nft", `iifname != `, `iifname `},
	{"frr", "muc1", "fabric/*/*.nft", `policy accept`, `policy drop`},
	{"frr", "muc1", "fabric/*/*.nft", `undo: nft delete table inet MUC1_TO_VIPS`, `undo: nft flush ruleset`},
	{"frr", "muc1", "fabric/*/*.nft", `\ndelete table inet MUC1_TO_VIPS`, "\nflush ruleset"},
	{"frr", "muc1", "fabric/*/*.nft", `\ndelete table inet MUC1_TO_VIPS`, "\ndelete table inet meshgen"},
	{"frr", "muc1", "fabric/*/*.nft", `\n}\n$`, "\n}\nflush ruleset\n"},
	{"frr", "muc1", "fabric/*/*.nft", `dport 443`, `dport 8443`},
	{"frr", "muc1", "fabric/*/*.nft", `( *ip daddr 192.0.2.32/28) icmp type destination-unreachable accept\n`, ``},
	{"frr", "muc1", "fabric/*/*.nft", ` *ip daddr 192.0.2.32/28 drop\n`, ``},
	{"hosts", "ulm1", "hosts/*/r1-edge/etc/sysctl.d/*", `kernel.panic = 10`, `kernel.panic = 0`},
	{"hosts", "ulm1", "hosts/*/r1-edge/etc/sysctl.d/*", `vm.overcommit_memory = 1\n`, ``},
	{"hosts", "ulm1", "hosts/*/r1-edge/etc/kubernetes/kubelet.conf.d/*", `protectKernelDefaults: true\n`, ``},
	{"hosts", "ulm1", "hosts/*/r1-edge/etc/sysctl.d/*", `vm.nr_hugepages = 2048`, `vm.nr_hugepages = 4Gi`},
	{"hosts", "ams1", "hosts/*/r1-edge/cloud-init.yaml", `  - systemctl enable --now meshgen-firewall.service\n`, ``},
	{"hosts", "ams1", "hosts/*/r1-edge/cloud-init.yaml", `  - nftables\n`, ``},
	{"hosts", "ams1", "hosts/*/playbook.yaml", `state: reloaded`, `state: restarted`},
	{"nodes", "fra1", "**/node.yaml", `meshgen.dev/class: edge`, `meshgen.dev/class: Edge!`},
	{"nodes", "fra1", "**/node.yaml", `effect: NoSchedule`, `effect: NoShedule`},
	{"nodes", "fra1", "**/00-nodes/configmap.yaml", `maxPerCore: 0`, `maxPerCore: zero`},
	{"namespaces", "fra1", "**/namespace.yaml", `istio.io/rev: "?1-31-1"?`, `istio.io/rev: 1-31-0`},
	{"namespaces", "fra1", "**/namespace.yaml", `enforce: \w+`, `enforce: strong`},
	{"namespaces", "fra1", "**/namespace.yaml", `name: payments\n`, "name: payment\n"},
	{"hosts", "fra1", "hosts/*/r1-edge/etc/sysctl.d/*.conf", `rp_filter = 2`, `rp_filter = 3`},
	{"hosts", "fra1", "hosts/*/r1-edge/etc/sysctl.d/*.conf", `nf_conntrack_max = \d+`, `nf_conntrack_max = 99999999`},
	{"hosts", "fra1", "hosts/*/r1-edge/etc/modules-load.d/*.conf", `\nnf_conntrack\n`, "\n"},
	{"hosts", "fra1", "hosts/*/r1-edge/etc/chrony/chrony.conf", `\nrtcsync\n`, "\n"},
	{"hosts", "fra1", "hosts/*/r1-edge/etc/chrony/chrony.conf", `minsources 2`, `minsources 4`},
	{"hosts", "fra1", "hosts/*/r1-edge/etc/chrony/chrony.conf", `authselectmode ignore\n`, ``},
	{"hosts", "ulm1", "hosts/*/r1-edge/etc/chrony/chrony.conf", `\nrtcsync\n`, "\nrtcsync\nlocal stratum 10 orphan\n"},
	{"hosts", "ulm1", "hosts/*/ulm1-clock/etc/chrony/chrony.conf", `allow 10.90.1.0/24\n`, ``},
	{"hosts", "ulm1", "hosts/*/ulm1-s2/etc/chrony/chrony.conf", `local stratum 10`, `local stratum 11`},
	{"hosts", "ulm1", "hosts/*/ulm1-s2/etc/chrony/chrony.conf", `server 10.90.1.13 .*\n`, ``},
	{"hosts", "ulm1", "hosts/*/ulm1-s2/etc/chrony/chrony.conf", `minsources 1`, `minsources 2`},
	{"hosts", "ulm1", "hosts/*/ulm1-s2/etc/chrony/chrony.conf", ` minstratum 10`, ``},
	{"hosts", "ulm1", "hosts/*/ulm1-s2/etc/chrony/chrony.conf", ` orphan\n`, "\n"},
	{"hosts", "ulm1", "hosts/*/r1-edge/etc/chrony/chrony.conf", `authselectmode ignore`, `authselectmode mix`},
	{"hosts", "ulm1", "hosts/*/ulm1-clock/etc/chrony/chrony.conf", `lock PHC0`, `lock PHC1`},
	{"hosts", "ulm1", "hosts/*/ulm1-clock/etc/chrony/chrony.conf", `hwtimestamp \*`, "hwtimestamp *\nhwtstimeout 0.01"},
	{"hosts", "fra1", "hosts/*/r1-edge/etc/default/kubelet", `config-dir=\S+`, `config-dir=/etc/kubelet.d`},
	{"hosts", "fra1", "hosts/*/inventory.yaml", `meshgen_group: r1-edge`, `meshgen_group: r1-edg`},
	{"hosts", "fra1", "hosts/*/r1-edge/etc/kubernetes/**", `maxPods`, `maxpods`},
	{"hosts", "fra1", "hosts/*/playbook.yaml", `serial: 2`, `serial: 6`},
	{"hosts", "fra1", "hosts/*/playbook.yaml", `dest: /etc/sysctl.d`, `dest: /etc/sysctl`},
	{"hosts", "fra1", "hosts/*/playbook.yaml", `notify: load modules`, `notify: load module`},
	{"hosts", "fra1", "hosts/*/playbook.yaml", `(?s)(    - name: load modules.*?)(    - name: apply kernel settings.*?)(    - name: restart)`, `$2$1$3`},
	{"hosts", "kie1", "hosts/*/r1-edge/cloud-init.yaml", `permissions: "0644"`, `permissions: "0600"`},
	{"hosts", "kie1", "hosts/*/r1-edge/cloud-init.yaml", `max-pods=110`, `max-pods=111`},
	{"hosts", "kie1", "hosts/*/r1-edge/cloud-init.yaml", `write_files`, `write-files`},
	{"hosts", "kie1", "hosts/*/r1-image/ignition.json", `"mode": 420`, `"mode": 644`},
	{"hosts", "kie1", "hosts/*/r1-image/ignition.json", `base64,I`, `base64,J`},
	{"hosts", "kie1", "hosts/*/r1-server/etc/rancher/**", `conntrack-max-per-core=0`, `conntrack-max-per-core=32768`},
	{"hosts", "kie1", "hosts/*/r1-server/etc/rancher/**", `kubelet-arg\+`, `kubelet-args+`},
	{"hosts", "kie1", "hosts/*/r1-server/etc/rancher/**", `disable\+:\n  - servicelb\n  - traefik\n`, ``},
	{"hosts", "bre1", "hosts/*/r1-edge/etc/ntpsec/ntp.conf", `restrict default ignore\n`, ``},
	{"hosts", "bre1", "hosts/*/r1-edge/etc/ntpsec/ntp.conf", `restrict source .*\n`, ``},
	{"hosts", "bre1", "hosts/*/r1-edge/etc/ntpsec/ntp.conf", `minsane 2`, `minsane 6`},
	{"hosts", "bre1", "hosts/*/bre1-cp/etc/ntpsec/ntp.conf", `tos orphan 10`, `tos orphan 11`},
	{"hosts", "bre1", "hosts/*/bre1-cp/etc/ntpsec/ntp.conf", `tos orphan 10 orphanwait 300`, `tos orphan 10`},
	{"hosts", "bre1", "hosts/*/bre1-cp/etc/ntpsec/ntp.conf", `minsane 1`, `minsane 2`},
	{"hosts", "bre1", "hosts/*/bre1-clock/etc/ntpsec/ntp.conf", `server 10.160.1.10 .*\n`, ``},
	{"hosts", "bre1", "hosts/*/r1-edge/etc/ntpsec/ntp.conf", `tinker step 0.5`, `tinker step 1.0`},
	{"hosts", "bre1", "hosts/*/r1-edge/etc/ntpsec/ntp.conf", `iburst`, `iburts`},
	{"hosts", "bre1", "hosts/*/r1-edge/etc/ntpsec/ntp.conf", `nomodify noquery\n`, "nomodify noquery nopeer\n"},
	{"hosts", "bre1", "hosts/*/r1-edge/etc/ntpsec/ntp.conf", `server time.example.net`, `server 10.161.1.22`},
	{"hosts", "bre1", "hosts/*/bre1-clock/etc/ntpsec/ntp.conf", `restrict 10.160.1.0/24.*\n`, ``},
	{"hosts", "bre1", "hosts/*/bre1-clock/etc/ntpsec/ntp.conf", ` prefer\n`, "\n"},
	{"hosts", "bre1", "hosts/*/r1-edge/etc/default/ntpsec", `IGNORE_DHCP="yes"`, `IGNORE_DHCP=yes`},
	{"hosts", "bre1", "hosts/*/r1-edge/etc/default/ntpsec", `IGNORE_DHCP`, `IGNORE_DCHP`},
	{"hosts", "vie1", "hosts/*/r1-control-plane/talos.yaml", `/dev/ptp0`, `/dev/pps0`},
	{"hosts", "vie1", "hosts/*/r1-edge/talos.yaml", `nf_conntrack_buckets: "\d+"`, `nf_conntrack_buckets: "1024"`},
	{"hosts", "vie1", "hosts/*/r1-worker/talos.yaml", `- 10.70.1.0/24`, `- 10.70.1.1/24`},
	{"hosts", "vie1", "hosts/*/r1-worker/talos.yaml", `validSubnets`, `validSubnet`},
	{"hosts", "rz1", "**/08-hosts/configmap.yaml", `meshgen.conf table -`, `meshgen.conf none -`},
	{"hosts", "rz1", "**/08-hosts/configmap.yaml", `    br_netfilter\n`, ``},
	{"hosts", "rz1", "**/08-hosts/configmap.yaml", `    etc.chrony.chrony.conf /etc.*\n`, ``},
	{"hosts", "rz1", "**/08-hosts/configmap.yaml", `/etc/sysctl.d/90-meshgen.conf sysctls`, `/etc/sysctl.d/90-mesh.conf sysctls`},
	{"hosts", "rz1", "**/08-hosts/configmap.yaml", `revision: [0-9a-f]`, `revision: x`},
	{"hosts", "rz1", "**/08-hosts/configmap.yaml", ` -t 1 -m -u -i -n -p -- `, ` -t 1 -m -- `},
	{"hosts", "rz1", "**/08-hosts/daemonset.yaml", `- rz1-e2\b`, `- rz1-s2`},
	{"hosts", "rz1", "**/08-hosts/daemonset.yaml", `maxUnavailable: 1`, `maxUnavailable: 10`},
	{"hosts", "rz1", "**/08-hosts/daemonset.yaml", `hostPID: true`, `hostPID: false`},
	{"hosts", "rz1", "**/08-hosts/daemonset.yaml", `privileged: true`, `privileged: false`},
	{"hosts", "rz1", "**/08-hosts/daemonset.yaml", `name: files-r1-edge`, `name: files-r2-edge`},
	{"hosts", "rz1", "**/08-hosts/daemonset.yaml", `value: [0-9a-f]{4}`, `value: 00ab`},
	{"hosts", "rz1", "hosts/rz1/r1-server/etc/rancher/k3s/config.yaml.d/*", `flannel-backend: vxlan`, `flannel-backend: vxlam`},
	{"hosts", "rz1", "hosts/rz1/r1-server/etc/rancher/k3s/config.yaml.d/*", `flannel-backend`, `cni`},
	{"hosts", "rz1", "hosts/rz1/r1-edge/etc/rancher/k3s/config.yaml.d/*", `flannel-iface: bond0`, `flannel-iface: "bond 0"`},
	{"hosts", "rz1", "hosts/rz1/r1-edge/etc/rancher/k3s/config.yaml.d/*", `flannel-iface`, `flannel-interface`},
	{"hosts", "vie1", "hosts/*/r1-edge/talos.yaml", `sysctls:`, `sysctl:`},
	{"hosts", "vie1", "hosts/*/r1-edge/talos.yaml", `dedicated: edge:NoSchedule`, `dedicated: edge:NoShedule`},
	{"hosts", "vie1", "hosts/*/r1-control-plane/talos.yaml", `mode: nftables`, `mode: nftable`},
	{"istio", "fra1", "charts/*/gateway-public/values.yaml", `externalTrafficPolicy: Local`, `externalTrafficPolicy: Locl`},
	{"istio", "fra1", "charts/*/gateway-public/values.yaml", `replicaCount`, `replicas`},
	{"istio", "fra1", "charts/*/gateway-public/values.yaml", `- edge`, `- border`},
	{"istio", "fra1", "charts/*/gateway-public/values.yaml", `203.0.113.10`, `203.0.113.99`},
	{"istio", "fra1", "charts/*/istiod*/values.yaml", `revision: "?1-31-1"?`, `revision: 1-31-2`},
	{"istio", "fra1", "charts/*/istiod*/values.yaml", `autoscaleEnabled`, `autoScaleEnabled`},
	{"istio", "fra1", "**/30-gateways/gateway.yaml", `mode: MUTUAL`, `mode: BOTH`},
	{"istio", "fra1", "**/30-gateways/gateway.yaml", `istio: gateway-public`, `istio: gateway-publc`},
	{"istio", "fra1", "**/30-gateways/virtualservice.yaml", `gateway-public/public`, `gateway-public/pub`},
	{"istio", "fra1", "**/30-gateways/virtualservice.yaml", `weight: 90`, `weight: 80`},
	{"istio", "fra1", "**/40-policy/sidecar.yaml", `istio-system/\*`, `~/*`},
	{"istio", "fra1", "**/40-policy/authorizationpolicy.yaml", `action: ALLOW`, `action: ALOW`},
	{"istio", "fra1", "**/20-mesh/telemetry.yaml", `name: otlp`, `name: zipkin`},
	{"istio", "fra1", "**/40-policy/serviceentry.yaml", `resolution: STATIC`, `resolution: FIXED`},
	{"istio-ambient", "krk1", "charts/*/ztunnel/values.yaml", `profile: ambient`, `profile: ambiant`},
	{"istio-ambient", "krk1", "charts/*/ztunnel/values.yaml", `multiCluster`, `multicluster`},
	{"istio-ambient", "krk1", "charts/*/istiod*/values.yaml", `trustedZtunnelNamespace: istio-cni`, `trustedZtunnelNamespace: istio-system`},
	{"istio-ambient", "krk1", "charts/*/istio-cni/values.yaml", `profile: ambient
`, ``},
	{"istio-ambient", "krk1", "charts/*/istio-cni/values.yaml", `dnsCapture`, `dnscapture`},
	{"istio-ambient", "krk1", "**/20-mesh/gateway.yaml", `protocol: HBONE`, `protocol: TCP`},
	{"istio-ambient", "krk1", "**/20-mesh/gateway.yaml", `name: waypoint
`, "name: way\n"},
	{"istio-ambient", "krk1", "**/20-mesh/gateway.yaml", `waypoint-for: service`, `waypoint-for: services`},
	{"istio-ambient", "krk1", "**/20-mesh/gateway.yaml", `istio.io/rev: stable`, `istio.io/rev: default`},
	{"istio-ambient", "krk1", "**/20-mesh/configmap.yaml", `name: waypoint-parameters`, `name: waypoint-params`},
	{"istio-ambient", "krk1", "**/20-mesh/configmap.yaml", `maxUnavailable: 1`, `maxUnavailabel: 1`},
	{"istio-ambient", "krk1", "**/20-mesh/ciliumclusterwidenetworkpolicy.yaml", `enableDefaultDeny`, `enableDefaultdeny`},
	{"istio-ambient", "krk1", "**/40-policy/authorizationpolicy.yaml", `kind: Service
`, "kind: Gateway\n"},
	{"istio-ambient", "krk1", "**/40-policy/authorizationpolicy.yaml", `ports:
( +)- "8080"`, "methods:\n$1- GET"},
	{"istio-ambient", "krk1", "**/40-policy/httproute.yaml", `name: cart
( +)port: 8080
  rules`, "name: cart\n${1}port: 8080\n  rule"},
	{"istio-ambient", "krk1", "**/40-policy/virtualservice.yaml", `api.stock.svc`, `cart.shop.svc`},
	{"istio-ambient", "krk1", "**/40-policy/virtualservice.yaml", `fixedDelay: 2s`, `fixedDelay: "2"`},
	{"istio-ambient", "krk1", "**/45-enforcement/authorizationpolicy.yaml", `kind: GatewayClass`, `kind: Gateway`},
	{"istio-ambient", "krk1", "charts/*/ztunnel/values.yaml", `SECRET_TTL: 12h`, `SECRET_TTL: 12`},
	{"istio-ambient", "krk1", "charts/*/istiod-1-31-1/values.yaml", `trustedZtunnelName: ztunnel`, `trustedZtunnelName: ztunnels`},
	{"istio-ambient", "krk1", "**/20-mesh/gateway.yaml", `istio.io/rev: "1-31-1"`, `istio.io/rev: "1-31-2"`},
	{"istio-ambient", "krk1", "**/40-policy/envoyfilter.yaml", `inbound-vip\|8080\|http\|api.stock.svc`, `inbound-vip|8080|http|cart.shop.svc`},
	{"istio-ambient", "krk1", "**/40-policy/envoyfilter.yaml", `inbound-vip\|8080`, `inbound|8080`},
	{"istio-ambient", "krk1", "**/40-policy/envoyfilter.yaml", `name: waypoint\n`, "name: public\n"},
	{"istio-ambient", "krk1", "**/40-policy/envoyfilter.yaml", `( +)max_tokens: 200\n`, ``},
	{"istio-ambient", "krk1", "**/30-gateways/tlsroute.yaml", `sectionName: mqtts`, `sectionName: mqtt`},
	{"cilium-mesh", "wro1", "**/30-gateways/gatewayclass.yaml", `namespace: gateway-public`, `namespace: gateway-pub`},
	{"cilium-mesh", "wro1", "**/30-gateways/gatewayclass.yaml", `name: cilium-public`, `name: cilium`},
	{"cilium-mesh", "wro1", "**/30-gateways/ciliumgatewayclassconfig.yaml", `externalTrafficPolicy: Local`, `externalTrafficPolicy: Locl`},
	{"cilium-mesh", "wro1", "**/30-gateways/ciliumgatewayclassconfig.yaml", `name: public`, `name: publc`},
	{"cilium-mesh", "wro1", "**/30-gateways/ciliumgatewayclassconfig.yaml", `loadBalancerClass`, `loadbalancerClass`},
	{"cilium-mesh", "wro1", "**/40-policy/ciliumnetworkpolicy.yaml", `pod.namespace: stock`, `pod.namespace: stack`},
	{"cilium-mesh", "wro1", "**/40-policy/ciliumnetworkpolicy.yaml", `path: /cart\(`, `path: /cart((`},
	{"cilium-mesh", "wro1", "**/40-policy/ciliumnetworkpolicy.yaml", `- ingress\n`, "- gateway\n"},
	{"cilium-mesh", "wro1", "**/40-policy/ciliumnetworkpolicy.yaml", `port: "5432"`, `port: "65536"`},
	{"cilium-mesh", "wro1", "**/40-policy/ciliumnetworkpolicy.yaml", `toFQDNs`, `toFqdns`},
	{"cilium-mesh", "wro1", "**/40-policy/ciliumclusterwidenetworkpolicy.yaml", `fromEntities`, `fromEntity`},
	{"cilium-mesh", "wro1", "**/40-policy/httproute.yaml", `weight: 80`, `weight: "80"`},
	{"cilium", "wro1", "charts/*/cilium/values.yaml", `(gatewayAPI:\n +enabled: )true`, `${1}false`},
	{"cilium", "wro1", "charts/*/cilium/values.yaml", `l7Proxy: true`, `l7Proxy: false`},
	{"cilium", "wro1", "charts/*/cilium/values.yaml", `type: wireguard`, `type: ipsec`},
	{"cilium", "wro1", "charts/*/cilium/values.yaml", `create: "false"`, `create: auto`},
	{"cilium-mesh", "wro1", "**/ciliumenvoyconfig.yaml", `original-source-address: "true"`, `original-source-address: "false"`},
	{"cilium-mesh", "wro1", "**/ciliumenvoyconfig.yaml", `listener: port-8080`, `listener: port-80`},
	{"cilium-mesh", "wro1", "**/ciliumenvoyconfig.yaml", `lb_policy`, `lb_polcy`},
	{"cilium-mesh", "wro1", "**/ciliumenvoyconfig.yaml", `service_name: shop/prices`, `service_name: shop/price`},
	{"cilium-mesh", "wro1", "**/ciliumenvoyconfig.yaml", `per_try_timeout: 0.6s`, `per_try_timeout: 600ms`},
	{"cilium-mesh", "wro1", "**/ciliumenvoyconfig.yaml", `http.router\n`, "http.fault\n"},
	{"cilium-mesh", "wro1", "**/ciliumenvoyconfig.yaml", `refused-stream`, `refused-steam`},
	{"cilium-mesh", "wro1", "**/ciliumenvoyconfig.yaml", `(services:\n +- name: )prices`, `${1}cart`},
	{"cilium", "wro1", "charts/*/cilium/values.yaml", `allowList`, `allowlist`},
	{"networkpolicy", "wro1", "**/networkpolicy.yaml", `(?s)(namespace: stock.*?policyTypes:\n.*?- Egress\n)`, "${1}  ingress:\n    - {}\n"},
	{"namespaces", "krk1", "**/namespace.yaml", `dataplane-mode: ambient`, `dataplane-mode: ambiant`},
	{"namespaces", "krk1", "**/namespace.yaml", `use-waypoint: waypoint`, `use-waypoint: waypoin`},
	{"gateway-api", "muc1", "**/30-gateways/httproute.yaml", `(parentRefs:\n(?:.*\n)*?.*name: )public`, `${1}pubic`},
	{"gateway-api", "muc1", "**/30-gateways/gateway.yaml", `kind: ConfigMap`, `kind: Secret`},
	{"gateway-api", "muc1", "**/30-gateways/httproute.yaml", `type: PathPrefix`, `type: Prefix`},
	{"gateway-api", "rix1", "**/30-gateways/certificate.yaml", `secretName: public-https-tls`, `secretName: public-tls`},
	{"gateway-api", "rix1", "**/30-gateways/gateway.yaml", `gatewayClassName: envoy-gateway`, `gatewayClassName: envoy`},
	{"gateway-api", "rix1", "**/30-gateways/httproute.yaml", `statusCode: 301`, `statusCode: 300`},
	{"envoy-gateway", "rix1", "**/30-gateways/envoyproxy.yaml", `EnvoyProxy\nmetadata:\n  name: public`, "EnvoyProxy\nmetadata:\n  name: pubic"},
	{"gateway-api", "rix1", "**/30-gateways/tlsroute.yaml", `sectionName: mqtts`, `sectionName: https`},
	{"envoy-gateway", "rix1", "**/30-gateways/envoyproxy.yaml", `externalTrafficPolicy: Local`, `externalTrafficPolicy: Lokal`},
	{"envoy-gateway", "rix1", "**/30-gateways/envoyproxy.yaml", `- edge`, `- border`},
	{"envoy-gateway", "rix1", "**/30-gateways/envoyproxy.yaml", `10.96.1.193`, `10.96.1.199`},
	{"envoy-gateway", "rix1", "**/30-gateways/gatewayclass.yaml", `name: envoy-gateway`, `name: envoy`},
	{"envoy-gateway", "rix1", "charts/*/envoy-gateway/values.yaml", `kubernetesClusterDomain`, `clusterDomain`},
	{"networkpolicy", "fra1", "**/networkpolicy.yaml", `cidr: 10.10.1.0/24`, `cidr: 10.10.1.1/24`},
	{"networkpolicy", "fra1", "**/networkpolicy.yaml", `protocol: TCP`, `protocol: tcp`},
	{"networkpolicy", "fra1", "**/networkpolicy.yaml", `namespace: payments\n`, "namespace: payment\n"},
	{"secrets", "fra1", "docs/*/secrets.json", `"name": "bgp-session"`, `"name": "bgp-sessions"`},
	{"secrets", "fra1", "docs/*/secrets.json", `"ca.crt"`, `"ca.pem"`},
	{"secrets", "fra1", "docs/*/secrets.json", `"creator": "cert-manager"`, `"creator": "by hand"`},
	{"secrets", "muc1", "docs/*/secrets.json", `"creator": "by hand"`, `"creator": "external-secrets"`},
	{"secrets", "fra1", "docs/*/SECRETS.md", "`partners-ca`", "`partner-ca`"},
	{"secrets", "fra1", "**/externalsecret.yaml", `name: vault-fra1`, `name: vault`},
	{"secrets", "fra1", "**/externalsecret.yaml", `property: tls.key`, `property: tls.crt`},
	{"secrets", "fra1", "**/externalsecret.yaml", `type: kubernetes.io/tls`, `type: Opaque`},
	{"observability", "fra1", "**/prometheusrule.yaml", `frrk8s_bgp_session_up == 0`, `metallb_bgp_sesion_up == 0`},
	{"observability", "fra1", "**/prometheusrule.yaml", `peer="10`, `neighbor="10`},
	{"observability", "fra1", "**/prometheusrule.yaml", `(sum\(frrk8s\S+)\)`, `$1`},
	{"observability", "fra1", "**/prometheusrule.yaml", `severity: warning`, `severity: page`},
	{"observability", "fra1", "**/prometheusrule.yaml", `RUNBOOK.md#metrics`, `RUNBOOK.md#metric`},
	{"observability", "fra1", "**/podmonitor.yaml", `\$1:15020`, `$$1:15021`},
	{"observability", "fra1", "**/podmonitor.yaml", `http-envoy-prom`, `http-envoy`},
	{"observability", "fra1", "**/servicemonitor.yaml", `port: frrmetricshttps`, `port: frrmetrics`},
	{"observability", "fra1", "**/servicemonitor.yaml", `component: meshgen-frr-k8s`, `component: frr-k8s`},
	{"observability", "fra1", "**/50-observability/clusterrolebinding.yaml", `namespace: monitoring`, `namespace: monitor`},
	{"observability", "fra1", "**/50-observability/clusterrole.yaml", `- /metrics`, `- /metric`},
	{"observability", "fra1", "**/50-observability/rolebinding.yaml", `namespace: payments`, `namespace: plant`},
	{"report", "fra1", "docs/*/index.html", `<td><code>10.10.1.11</code></td>`, `<td><code>10.10.1.12</code></td>`},
	{"report", "fra1", "docs/*/index.html", `<td>4200000012</td>`, `<td>4200000013</td>`},
	{"report", "fra1", "docs/*/index.html", `<tr><th scope="row"><code>fra1-r3-w4</code></th>.*\n`, ``},
	{"report", "fra1", "docs/*/index.html", `<tr><th scope="row"><code>203.0.113.10</code></th>`, `<tr><th scope="row"><code>203.0.113.11</code></th>`},
	{"report", "fra1", "docs/*/index.html", `id="table-1"`, `id="table-2"`},
	{"report", "fra1", "docs/*/index.html", `</tbody>`, ``},
	{"report", "fra1", "docs/*/index.html", `<style>`, `<script src="https://example.com/a.js"></script><style>`},
	{"report", "fra1", "docs/*/index.html", `background: var\(--bg\)`, `background: url(https://example.com/a.png)`},
	{"report", "fra1", "docs/*/index.html", `href="CAPACITY.md"`, `href="CAPACITIES.md"`},
	{"report", "fra1", "docs/*/index.html", `href="#losses"`, `href="#loss"`},
	{"report", "fra1", "docs/*/topology.svg", `AS 4200000013`, `AS 4200000012`},
	{"report", "fra1", "docs/*/topology.svg", `>6 machines<`, `>5 machines<`},
	{"report", "fra1", "docs/*/topology.svg", `>203.0.113.10</text>`, `>203.0.113.1</text>`},
	{"report", "fra1", "docs/*/topology.svg", `</g>\n`, "\n"},
	{"report", "fra1", "docs/*/topology.svg", ` viewBox="0 0 \d+`, ` viewBox="0 0 10`},
	{"report", "fra1", "docs/*/TOPOLOGY.md", `--- tor4\b`, `--- tor3`},
	{"report", "fra1", "docs/*/TOPOLOGY.md", `4 machines`, `5 machines`},
	{"report", "fra1", "docs/*/TOPOLOGY.md", `  end\n`, ``},
	{"documents", "fra1", "docs/*/RUNBOOK.md", `## VIP path`, `## VIP`},
	{"documents", "fra1", "docs/*/RUNBOOK.md", `fabric/fra1/fra1-r1-tor-a.conf`, `fabric/fra1/fra1-r1-tor-c.conf`},
	{"documents", "fra1", "docs/*/RUNBOOK.md", `\(SESSIONS\.md\)`, `(SESSION.md)`},
	{"documents", "fra1", "docs/*/RUNBOOK.md", "install.sh --dry-run", "setup.sh --dry-run"},
	{"documents", "fra1", "docs/*/SESSIONS.md", "`fra1-r2-edge`", "`fra1-r2-edg`"},
	{"documents", "fra1", "docs/*/SESSIONS.md", "4200000013", "4200000012"},
	{"documents", "muc1", "docs/*/NORTH-SOUTH.md", "`192.0.2.33`", "`192.0.2.34`"},
	{"documents", "fra1", "docs/*/CAPACITY.md", `(.) MiB \|\n`, "$1 MiB\n"},
	{"kustomization", "fra1", "**/40-policy/kustomization.yaml", `  - sidecar.yaml\n`, ``},
	{"kustomization", "fra1", "**/fra1/kustomization.yaml", `40-policy`, `40-police`},
	{"kustomization", "fra1", "**/40-policy/kustomization.yaml", `resources:`, `resource:`},
	{"delivery", "fra1", "charts/*/helmfile.yaml", `version: 1.31.1`, `version: 1.31.0`},
	{"delivery", "fra1", "charts/*/helmfile.yaml", `istiod\S*/values.yaml`, `istio-base/values.yaml`},
	{"delivery", "fra1", "charts/*/helmfile.yaml", `- istio-system/istio-base`, `- istio-cni/istio-cni`},
	{"delivery", "fra1", "charts/*/helmfile.yaml", `createNamespace: false`, `createNamespace: true`},
	{"delivery", "fra1", "charts/*/install.sh", `\tnode fra1-r1-w1\n`, ``},
	{"delivery", "fra1", "charts/*/install.sh", `\tcomplete 'Join .*\n`, ``},
	{"delivery", "fra1", "charts/*/install.sh", `\tapply 40-policy\n`, ``},
	{"delivery", "fra1", "charts/*/install.sh", `(\tchart istiod\S* .*\n)((?:.*\n)*)(\tapply 20-mesh\n)`, `$3$1$2`},
	{"delivery", "fra1", "charts/*/install.sh", `\twait_for '' validatingwebhook.*\n`, ``},
	{"delivery", "fra1", "charts/*/install.sh", `secret metallb-system bgp-session password`, `secret metallb-system bgp-session passwd`},
	{"delivery", "fra1", "charts/*/install.sh", `\twait_for gateway-public certificate.*\n`, ``},
	{"delivery", "fra1", "charts/*/install.sh", `apply --server-side --kustomize`, `apply --server-side --prune --kustomize`},
	{"delivery", "fra1", "charts/*/install.sh", `(kube apply --server-side)( --filename "\S*node.yaml")`, `$1 --force-conflicts$2`},
	{"delivery", "fra1", "charts/*/install.sh", `\n\tesac\n`, "\n"},
	{"delivery", "fra1", "gitops/*/applications/*.yaml", `(targetRevision): 0.16.2`, `$1: 0.16.1`},
	{"delivery", "fra1", "gitops/*/applications/*.yaml", `sync-wave: "109"`, `sync-wave: "99"`},
	{"delivery", "fra1", "gitops/*/applications/*.yaml", `out/kubernetes/overlays/fra1/20-mesh`, `out/kubernetes/overlays/fra1/20-mess`},
	{"delivery", "fra1", "gitops/*/applications/*.yaml", `\$values/out`, `$$values/in`},
	{"delivery", "fra1", "gitops/*/applications/*.yaml", `istio-sidecar-injector-1-31-1`, `istio-sidecar-injector-1-31-0`},
	{"delivery", "fra1", "gitops/*/applications/*.yaml", `syncOptions`, `syncOption`},
	{"delivery", "fra1", "gitops/*/applications/*.yaml", `(namespaces\n  syncPolicy:\n    automated:\n      prune): false`, `$1: true`},
	{"observability", "rix1", "kubernetes/*/*/50-observability/configmap.yaml", `metallb_speaker_announced`, `metallb_speaker_anounced`},
	{"observability", "rix1", "kubernetes/*/*/50-observability/configmap.yaml", `sum by \(ip\)`, `sum by (ip`},
	{"observability", "rix1", "kubernetes/*/*/50-observability/configmap.yaml", `"x": 12`, `"x": 0`},
	{"exposure", "rix1", "kubernetes/*/*/30-gateways/service.yaml", `loadBalancerIPs: 10.96.1.194`, `loadBalancerIPs: 10.96.1.204`},
	{"exposure", "rix1", "kubernetes/*/*/30-gateways/service.yaml", `loadBalancerIPs: 10.96.1.194`, `loadBalancerIPs: 10.96.1.193`},
	{"exposure", "rix1", "kubernetes/*/*/30-gateways/service.yaml", `externalTrafficPolicy: Local`, `externalTrafficPolicy: Locally`},
	{"exposure", "rix1", "kubernetes/*/*/30-gateways/service.yaml", `protocol: UDP`, `protocol: TCP`},
	{"exposure", "rix1", "kubernetes/*/*/30-gateways/service.yaml", `name: resolver`, `name: resolvers`},
	{"exposure", "rix1", "kubernetes/*/*/30-gateways/service.yaml", `namespace: edge-dns`, `namespace: edge-dn`},
	{"exposure", "rix1", "kubernetes/*/*/30-gateways/service.yaml", `loadBalancerClass: .*`, `loadBalancerClass: metallb`},
	{"delivery", "rix1", "gitops/*/steps/steps.yaml", `overlays/rix1/40-policy`, `overlays/rix1/40-polizy`},
	{"delivery", "rix1", "gitops/*/steps/steps.yaml", `(dependsOn:\n    - name): 30-gateways`, `$1: chart-envoy-gateway`},
	{"delivery", "rix1", "gitops/*/steps/steps.yaml", `(dependsOn:\n    - name): chart-envoy-gateway-crds`, `$1: chart-envoy-gateway`},
	{"delivery", "rix1", "gitops/*/steps/steps.yaml", `(dependsOn:\n    - name): chart-envoy-gateway-crds`, `$1: 10-load-balancer`},
	{"delivery", "rix1", "gitops/*/steps/steps.yaml", `(05-namespaces\n  prune): false`, `$1: true`},
	{"linkerd", "lla1", "charts/*/linkerd-control-plane/values.yaml", `injectCaFrom: linkerd/linkerd-proxy-injector`, `injectCaFrom: linkerd/linkerd-injector`},
	{"linkerd", "lla1", "charts/*/linkerd-control-plane/values.yaml", `(proxyInjector:\n +externalSecret): true`, `${1}: false`},
	{"linkerd", "lla1", "charts/*/linkerd-control-plane/values.yaml", `defaultInboundPolicy: deny`, `defaultInboundPolicy: all-authenticated`},
	{"linkerd", "lla1", "charts/*/linkerd-control-plane/values.yaml", `,6379,`, `,`},
	{"linkerd", "lla1", "charts/*/linkerd-control-plane/values.yaml", `cniEnabled`, `cniEnable`},
	{"linkerd", "lla1", "charts/*/linkerd-control-plane/values.yaml", `externalCA: true`, `externalCA: false`},
	{"linkerd", "lla1", "**/07-secrets/certificate.yaml", `- linkerd-sp-validator.linkerd.svc`, `- linkerd-sp-validator.linkerd`},
	{"linkerd", "lla1", "**/40-policy/server.yaml", `accessPolicy: deny`, `accessPolicy: all-unauthenticated`},
	{"linkerd", "lla1", "**/40-policy/server.yaml", `proxyProtocol: opaque`, `proxyProtocol: HTTP/1`},
	{"linkerd", "lla1", "**/40-policy/authorizationpolicy.yaml", `(kind: Server\n +name: )store-6379`, `${1}store`},
	{"linkerd", "lla1", "**/40-policy/httproute.yaml", `(kind: Server\n +name: )\S+`, `${1}nobody`},
	{"linkerd", "lla1", "**/40-policy/grpcroute.yaml", `retry.linkerd.io/grpc`, `retry.linkerd.io/http`},
	{"linkerd", "lla1", "**/40-policy/grpcroute.yaml", `internal,unavailable`, `gateway-error`},
	{"linkerd", "lla1", "**/40-policy/httproute.yaml", `retry.linkerd.io/http: gateway-error`, `retry.linkerd.io/http: refused-stream`},
	{"linkerd", "lla1", "**/40-policy/networkauthentication.yaml", `cidr: 0.0.0.0/0`, `cidr: 0.0.0.0/33`},
	{"linkerd", "umu1", "charts/*/linkerd-multicluster/values.yaml", `enabled: false`, `enabled: true`},
	{"linkerd", "umu1", "charts/*/linkerd-multicluster/values.yaml", `name: umu2`, `name: umu3`},
	{"linkerd", "umu1", "charts/*/linkerd-multicluster/values.yaml", `identityTrustDomain: \S+`, `identityTrustDomain: cluster.local`},
	{"linkerd", "umu1", "**/30-gateways/link.yaml", `gatewayIdentity: linkerd-gateway`, `gatewayIdentity: gateway`},
	{"linkerd", "umu1", "**/30-gateways/link.yaml", `gatewayAddress: \S+`, `gatewayAddress: gateway.umu2`},
	{"linkerd", "umu1", "**/30-gateways/link.yaml", `clusterCredentialsSecret: \S+`, `clusterCredentialsSecret: credentials`},
	{"linkerd", "umu1", "**/30-gateways/link.yaml", `gatewayPort: "4143"`, `gatewayPort: 4143`},
	{"linkerd", "umu1", "**/30-gateways/deployment.yaml", `enable-gateway: "true"`, `enable-gateway: "false"`},
	{"linkerd", "umu1", "**/30-gateways/deployment.yaml", `serviceAccountName: linkerd-gateway`, `serviceAccountName: default`},
	{"linkerd", "umu1", "**/30-gateways/service.yaml", `(gateway-identity: \S+)umu1`, `${1}umu2`},
	{"linkerd", "umu1", "charts/*/install.sh", `(\tcomplete 'docs)`, "\tsecret linkerd-multicluster cluster-credentials-umu2 kubeconfig\n${1}"},
	{"consul", "dus1", "charts/*/consul/values.yaml", `manageSystemACLs: true`, `manageSystemACLs: false`},
	{"consul", "dus1", "charts/*/consul/values.yaml", `manageExternalCRDs: false`, `manageExternalCRDs: true`},
	{"consul", "dus1", "charts/*/consul/values.yaml", `secretName: consul-gossip`, `secretName: consul-gossips`},
	{"consul", "dus1", "charts/*/consul/values.yaml", `defaultOverwriteProbes`, `overwriteProbes`},
	{"consul", "dus1", "charts/*/consul/values.yaml", `consul.hashicorp.com/connect-inject: "true"`, `mesh: "true"`},
	{"consul", "dus1", "**/30-gateways/gatewayclassconfig.yaml", `serviceType: ClusterIP`, `serviceType: LoadBalancer`},
	{"consul", "dus1", "**/30-gateways/gatewayclassconfig.yaml", `mapPrivilegedContainerPorts: 8000`, `mapPrivilegedContainerPorts: 9000`},
	{"consul", "dus1", "**/30-gateways/service.yaml", `targetPort: 8443`, `targetPort: 443`},
	{"consul", "dus1", "**/40-policy/serviceintentions.yaml", `- name: report`, `- name: reports`},
	{"consul", "dus1", "**/40-policy/servicedefaults.yaml", `protocol: http`, `protocol: tcp`},
	{"consul", "dus1", "**/40-policy/servicesplitter.yaml", `weight: 90`, `weight: 80`},
	{"consul", "dus1", "**/40-policy/servicerouter.yaml", `numRetries: 2`, `retries: 2`},
	{"consul", "dus1", "**/45-enforcement/serviceintentions.yaml", `action: deny`, `action: allow`},
	{"registry", "lla1", "charts/*/linkerd-control-plane/values.yaml", `registry.lla1.example.net/linkerd/proxy`, `cr.l5d.io/linkerd/proxy`},
	{"registry", "lla1", "charts/*/install.sh", `oci://registry.lla1.example.net/charts/linkerd-crds`, `oci://ghcr.io/linkerd/linkerd-crds`},
	{"registry", "lla1", "**/envoyproxy.yaml", `imageRepository: registry.lla1.example.net`, `imageRepository: docker.io`},
	{"registry", "lla1", "charts/*/metallb/values.yaml", `registry.lla1.example.net/metallb/controller`, `quay.io/metallb/controller`},
	{"delivery", "rix1", "gitops/*/steps/steps.yaml", `deletionPolicy: Orphan`, `deletionPolicy: Delete`},
	{"delivery", "rix1", "gitops/*/steps/steps.yaml", `\n  wait: true`, ``},
	{"delivery", "rix1", "gitops/*/steps/steps.yaml", `kind: Gateway\n`, "kind: Gateways\n"},
	{"delivery", "rix1", "gitops/*/steps/gitrepository.yaml", `name: gateway-api`, `name: gateway`},
	{"delivery", "rix1", "gitops/*/root.yaml", `path: ./out/gitops/rix1/steps`, `path: ./out/gitops/rix1`},
	{"delivery", "rix1", "gitops/*/root.yaml", `name: rix1-repository`, `name: rix1-key`},
	{"delivery", "rix1", "charts/*/metallb/release.yaml", `version: 0.16.2`, `version: 0.16.1`},
	{"delivery", "rix1", "charts/*/metallb/release.yaml", `storageNamespace: \S+`, `storageNamespace: flux-system`},
	{"delivery", "rix1", "charts/*/metallb/release.yaml", `name: RetryOnFailure\n\s+retryInterval: 1m`, `name: RemediateOnFailure`},
	{"delivery", "rix1", "charts/*/metallb/release.yaml", `valuesKey: values.yaml`, `valuesKey: value.yaml`},
	{"delivery", "rix1", "charts/*/envoy-gateway/release.yaml", `tag: v1.8.3`, `tag: v1.8.2`},
	{"delivery", "rix1", "charts/*/envoy-gateway/kustomization.yaml", `disableNameSuffixHash: true`, `disableNameSuffixHash: false`},
	{"delivery", "fra1", "gitops/*/argocd-cm.yaml", `health.argoproj.io_Application`, `health.argoproj.io_Aplication`},
}

// TestMutants makes each mistake in a tree and asks verify.
func TestMutants(t *testing.T) {
	outputs := map[string]*Output{}
	for _, name := range exampleNames(t) {
		out := compileExample(t, name)
		outputs[name] = out
		// A copy with nothing changed passes: what refuses a mutant is its mistake.
		control, _ := mutate(out.Tree, mutant{old: `\A\b\B`})
		if _, found := verify.Tree(control, releases(out.Plan)); len(found) > 0 {
			t.Fatalf("%s: verify refuses an unchanged copy: %v", name, found)
		}
	}
	killed := map[string]int{}
	total := map[string]int{}
	for _, m := range mutants {
		total[m.backend]++
		out := outputs[m.example]
		tree, ok := mutate(out.Tree, m)
		if !ok {
			t.Errorf("%s: nothing in %s of %s matches %s", m.backend, m.file, m.example, m.old)
			continue
		}
		if _, found := verify.Tree(tree, releases(out.Plan)); found.HasErrors() {
			killed[m.backend]++
			continue
		}
		t.Errorf("%s: verify does not see %q become %q in %s", m.backend, m.old, m.new, m.file)
	}
	for _, b := range targets {
		if total[b.Name] < 3 && total[path.Base(strings.TrimSuffix(b.Name, "-sidecar"))] < 3 {
			t.Errorf("%s has fewer than three mutants", b.Name)
		}
	}
	for b, n := range total {
		t.Logf("%-14s %d of %d mutants refused", b, killed[b], n)
	}
}

// mutate copies a tree with one change, and without the manifest, whose digests would give it away.
func mutate(t *artifact.Tree, m mutant) (*artifact.Tree, bool) {
	out := artifact.NewTree()
	old := regexp.MustCompile(m.old)
	done := false
	for _, f := range t.Files() {
		if strings.HasPrefix(f.Path(), artifact.ManifestDir+"/") {
			continue
		}
		text := f.Bytes()
		if at := old.FindSubmatchIndex(text); !done && at != nil && matches(m.file, f.Path()) {
			var b bytes.Buffer
			b.Write(text[:at[0]])
			b.Write(old.Expand(nil, []byte(m.new), text, at))
			b.Write(text[at[1]:])
			text, done = b.Bytes(), true
		}
		g := out.File(f.Path(), f.Origins()...)
		if f.Mode()&0o111 != 0 {
			g.Executable()
		}
		if len(text) > 0 {
			g.Line(strings.TrimSuffix(string(text), "\n"))
		}
	}
	return out, done
}

// matches is path.Match with "**/" for any folders in front and "/**" for anything behind.
func matches(pattern, name string) bool {
	if tail, ok := strings.CutPrefix(pattern, "**/"); ok {
		parts := strings.Split(name, "/")
		n := len(strings.Split(tail, "/"))
		if len(parts) < n {
			return false
		}
		ok, _ := path.Match(tail, strings.Join(parts[len(parts)-n:], "/"))
		return ok
	}
	if head, ok := strings.CutSuffix(pattern, "/**"); ok {
		n := len(strings.Split(head, "/"))
		parts := strings.Split(name, "/")
		if len(parts) <= n {
			return false
		}
		ok, _ := path.Match(head, strings.Join(parts[:n], "/"))
		return ok
	}
	ok, _ := path.Match(pattern, name)
	return ok
}

// TestBothEnds reads the sessions back from the switch files and from the objects, which know nothing of each other or
// of the plan: the two sets are equal, and the plan has as many.
func TestBothEnds(t *testing.T) {
	for _, name := range exampleNames(t) {
		out := compileExample(t, name)
		sessions, faults := verify.Sessions(out.Tree, out.Plan.Name)
		for _, f := range faults {
			t.Errorf("%s: %+v", name, f)
		}
		want := 0
		for _, sw := range out.Plan.Switches {
			for _, pe := range sw.Peerings {
				want += len(pe.Speakers)
			}
			if sw.Role == "tor" {
				want += len(sw.Uplinks)
			}
		}
		if len(sessions) != want {
			t.Errorf("%s: %d sessions read back, %d in the plan", name, len(sessions), want)
		}
	}
}
